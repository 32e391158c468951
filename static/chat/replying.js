/** The message that the next one answers, above the composer, with a way to leave it. */

import {h, icon, setHidden} from "../dom.js";
import {_} from "../language.js";
import {byId} from "../page.js";
import {quoteOf, quoteWords} from "./quote.js";

/** @typedef {import("../client/position.js").TopicEvent} TopicEvent */

export class Replying {
  /** @type {number | null} the position of the message that is answered */
  #target = null;
  #place = byId("replying");
  #words = h("p", {class: "replying-words"});
  /** @type {HTMLTextAreaElement} */
  #text;
  #find;

  /**
   * @param {HTMLTextAreaElement} text the composer's field
   * @param {(seq: number) => TopicEvent | undefined} find finds a message
   */
  constructor(text, find) {
    this.#text = text;
    this.#find = find;
    const leave = () => this.#answer(null);
    this.#place.append(this.#words, h("button", {class: "icon-button", type: "button", "aria-label": _("Do not reply"), onclick: leave}, icon("close")));
    text.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && this.#target !== null) leave();
    });
  }

  /** Answer a message. @param {any} payload */
  to(payload) {
    this.#answer(payload.seq);
  }

  /** A message is sent: the position of what it answers. The one after it answers nothing. @returns {number | undefined} */
  take() {
    const target = this.#target ?? undefined;
    this.#target = null;
    this.show();
    return target;
  }

  /** Show its words as they are now. */
  show() {
    setHidden(this.#place, this.#target === null);
    if (this.#target === null) {
      this.#words.replaceChildren(); // its message may be hidden later, and no words of it may stay on the page
      return;
    }
    const found = this.#find(this.#target);
    const words = h("p", {}, h("span", {class: "visually-hidden"}, _("In reply to"), " "), ...this.#wordsOf(found));
    if (words.textContent !== this.#words.textContent) this.#words.replaceChildren(...words.childNodes);
  }

  /** @param {TopicEvent | undefined} found */
  #wordsOf(found) {
    return found === undefined ? [_("an earlier message")] : quoteWords(quoteOf(found.payload));
  }

  /** @param {number | null} target */
  #answer(target) {
    this.#target = target;
    this.show();
    this.#text.focus();
  }
}
