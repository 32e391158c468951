/**
 * Where the reader is in a conversation: follows it at its end, stays put elsewhere, and says how far it has been read.
 *
 * Read is what was on the screen of a page that is in front. What came while it was not gets a line above it, and the
 * view does not run past that line.
 */

import {h, icon} from "../dom.js";
import {_, ngettext} from "../language.js";

/** This near to the end counts as the end: a line of text, half seen. */
const NEAR_PX = 80;
/** Above the line of the unread, some of what was read stays on the screen. */
const CONTEXT_PX = 90;

export class View {
  #scroller;
  #conversation;
  #jump;
  #onRead;
  #isAtEnd = true;
  #missed = 0;

  /**
   * @param {{scroller: HTMLElement, jump: HTMLElement}} elements
   * @param {import("./conversation.js").Conversation} conversation
   * @param {(seq: number) => void} onRead
   */
  constructor({scroller, jump}, conversation, onRead) {
    this.#scroller = scroller;
    this.#conversation = conversation;
    this.#jump = jump;
    this.#onRead = onRead;
    scroller.addEventListener("scroll", () => this.#scrolled(), {passive: true});
    document.addEventListener("visibilitychange", () => this.#scrolled());
    jump.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#isAtEnd && this.toEnd()).observe(scroller);
  }

  /** The first look: at the unread, if there is some, else at the end. */
  open() {
    const {line} = this.#conversation;
    if (line === null) return this.toEnd();
    this.#scroller.scrollTop = line.offsetTop - this.#scroller.offsetTop - CONTEXT_PX;
    this.#scrolled();
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#scrolled();
  }

  /** Change what is at the end, and follow if the reader was there. @param {() => number} change returns how many are new */
  follow(change) {
    const wasAtEnd = this.#isAtEnd;
    const count = change();
    if (wasAtEnd && isInFront()) return this.toEnd();
    if (wasAtEnd) this.#followToLine();
    this.#missed += count;
    this.#showJump();
  }

  /** Change how much room there is, and stay at the end if the reader was there. @param {() => void} change */
  hold(change) {
    const wasAtEnd = this.#isAtEnd;
    change();
    if (wasAtEnd) this.toEnd();
  }

  /** Change what is above, and keep what the reader looks at where it is. @param {() => void} change */
  keep(change) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    change();
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  #followToLine() {
    const {line} = this.#conversation;
    const limit = line === null ? Infinity : line.offsetTop - this.#scroller.offsetTop - CONTEXT_PX;
    this.#scroller.scrollTop = Math.min(this.#scroller.scrollHeight, limit);
    this.#isAtEnd = this.#isNearEnd();
  }

  #isNearEnd() {
    const {scrollHeight, scrollTop, clientHeight} = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #scrolled() {
    this.#isAtEnd = this.#isNearEnd();
    if (this.#isAtEnd && isInFront()) this.#missed = 0;
    this.#showJump();
    if (isInFront()) this.#tellRead();
  }

  /** The last row whose end is on the screen has been read, and all before it. */
  #tellRead() {
    const bottom = this.#scroller.getBoundingClientRect().bottom;
    const {entries} = this.#conversation;
    for (let index = entries.length - 1; index >= 0; index -= 1) {
      if (entries[index].row.getBoundingClientRect().bottom <= bottom + 4) {
        return this.#onRead(entries[index].payload.seq);
      }
    }
  }

  #showJump() {
    this.#jump.hidden = this.#isAtEnd;
    if (this.#jump.hidden) return;
    const words = this.#missed > 0 ? ngettext("{n} new message", "{n} new messages", this.#missed) : _("To the newest");
    this.#jump.replaceChildren(h("span", {}, words), icon("down"));
  }
}

/** Whether the page is on the screen. Not whether it has the focus: two windows may stand side by side. */
export function isInFront() {
  return document.visibilityState === "visible";
}
