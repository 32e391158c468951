/**
 * What the reader has seen: a row whose end was on the screen of a page in front, for SEEN_MS. The read mark goes on over
 * what was seen and the reader's own words, and stops at the first that was not: jumping to the end reads nothing between.
 * docs/notes/class-page.md argues why.
 */

import {ANNOUNCEMENT, MESSAGE} from "../reading.js";
import {Conversation} from "./conversation.js";
import {isInFront} from "./view.js";

/** Long enough to notice a line; who scrolls past does not stay that long. */
const SEEN_MS = 500;
/** Between two looks at where the rows are. They read the layout between frames, when nothing is changed. */
const LOOK_MS = 250;
/** Half hidden by less than this, the end of a row is on the screen. */
const SLACK_PX = 4;
/** The positions seen past the read mark that are kept, while skipped rows hold it back. Beyond them the oldest are dropped. */
const MAX_SEEN = 5000;

/** @typedef {import("./conversation.js").Entry} Entry */

export class Seen {
  #scroller;
  #conversation;
  #reading;
  #onLook;
  /** @type {Set<number>} positions after the read mark */
  #seen = new Set();
  /** Since when each row has been on the screen, by its position. @type {Map<number, number>} */
  #since = new Map();
  /** Rows up to `above` are above the screen, rows after `last` below it. */
  #screen = {above: 0, last: 0};
  #timer = 0;
  /** How many the server has counted after a read mark and up to a position. */
  #counted = {read: -1, from: -1, count: 0};
  #isCounting = false;
  /** The row that the upper edge of the screen cuts. @type {HTMLElement | null} */
  cutRow = null;

  /**
   * @param {HTMLElement} scroller
   * @param {Conversation} conversation
   * @param {import("../reading.js").Reading} reading
   * @param {() => void} onLook is called after each look
   */
  constructor(scroller, conversation, reading, onLook) {
    this.#scroller = scroller;
    this.#conversation = conversation;
    this.#reading = reading;
    this.#onLook = onLook;
    scroller.addEventListener("scroll", () => this.changed(), {passive: true});
    document.addEventListener("visibilitychange", () => this.#shownOrHidden());
  }

  /** The rows have changed, or moved. */
  changed() {
    if (this.#timer === 0 && isInFront()) this.#timer = window.setTimeout(() => this.#look(), LOOK_MS);
  }

  /** How many are unseen above the screen and below it. @param {(seq: number) => number} saidAfter counts what others said after a position */
  unseen(saidAfter) {
    const {from, to} = this.#conversation;
    const {above, last} = this.#screen;
    const {read} = this.#reading;
    const unseen = this.#after(read).filter((entry) => this.#isUnseen(entry));
    const after = Math.max(to, read);
    return {
      above: unseen.filter(({payload}) => payload.seq <= above).length + this.#beforeRows(read, from),
      below: unseen.filter(({payload}) => payload.seq > last).length + Math.max(0, saidAfter(after) - this.#seenBetween(after, Infinity)),
    };
  }

  /** Count everything up to the end of the screen as read, although it was not seen. */
  readAll() {
    this.#reading.mark(this.#screen.last);
    this.#advance();
  }

  /** What is before the rows the server counts: many positions there may be of reactions and hands. @param {number} read @param {number} from */
  #beforeRows(read, from) {
    if (from <= read) return 0;
    if (this.#counted.read !== read || this.#counted.from !== from) void this.#askCount(read, from);
    const count = this.#counted.read === read ? this.#counted.count : 0;
    return Math.max(0, count - this.#seenBetween(read, from));
  }

  /** @param {number} read @param {number} from */
  async #askCount(read, from) {
    if (this.#isCounting) return; // the look after its answer asks again
    this.#isCounting = true;
    const answers = [MESSAGE, ANNOUNCEMENT].map((event) => {
      return this.#reading.channel.push("unread:count", {after: read, before: from + 1, event});
    });
    const count = await Promise.all(answers).then((found) => found.reduce((sum, each) => sum + each.count, 0), () => from - read);
    this.#counted = {read, from, count};
    this.#isCounting = false;
    this.#onLook();
  }

  /** @param {number} from @param {number} to */
  #seenBetween(from, to) {
    let count = 0;
    for (const seq of this.#seen) if (seq > from && seq <= to) count += 1;
    return count;
  }

  /** The rows after a position: few, where the reader follows. @param {number} seq */
  #after(seq) {
    const {entries} = this.#conversation;
    return entries.slice(firstIndex(entries, ({payload}) => payload.seq > seq));
  }

  /** @param {Entry} entry */
  #isUnseen(entry) {
    const {seq} = entry.payload;
    return seq > this.#reading.read && Conversation.isByOther(entry) && !this.#seen.has(seq);
  }

  #shownOrHidden() {
    this.#since.clear(); // the time in front begins anew
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.changed();
  }

  #look() {
    this.#timer = 0;
    const now = performance.now();
    const shown = this.#entriesOnScreen();
    this.#since = new Map(shown.map(({payload: {seq}}) => [seq, this.#since.get(seq) ?? now]));
    for (const [seq, since] of this.#since) if (now - since >= SEEN_MS && seq > this.#reading.read) this.#seen.add(seq);
    this.#advance();
    if (shown.some((entry) => this.#isUnseen(entry))) this.changed();
    this.#onLook();
  }

  #entriesOnScreen() {
    const {top, bottom} = this.#scroller.getBoundingClientRect();
    const {entries, from} = this.#conversation;
    const first = firstIndex(entries, ({row}) => row.getBoundingClientRect().bottom > top + SLACK_PX);
    const end = firstIndex(entries, ({row}) => row.getBoundingClientRect().bottom > bottom + SLACK_PX);
    const row = entries[first]?.row;
    this.cutRow = row !== undefined && row.getBoundingClientRect().top < top && isNameAbove(row, top) ? row : null;
    this.#screen = {above: entries[first - 1]?.payload.seq ?? from, last: entries[end - 1]?.payload.seq ?? from};
    return entries.slice(first, end);
  }

  #advance() {
    const {read} = this.#reading;
    if (read >= this.#conversation.from) {
      const after = this.#after(read);
      const unseen = after.findIndex((entry) => this.#isUnseen(entry));
      const last = unseen < 0 ? after.at(-1) : after[unseen - 1];
      if (last !== undefined) this.#reading.mark(last.payload.seq);
    }
    for (const seq of this.#seen) if (seq <= this.#reading.read || this.#seen.size > MAX_SEEN) this.#seen.delete(seq);
  }
}

/** Whether no part of the author's name is below the upper edge; a row may have none, as one of several of an author.
 * @param {HTMLElement} row @param {number} top */
function isNameAbove(row, top) {
  return (row.querySelector(".author")?.getBoundingClientRect().bottom ?? 0) <= top + SLACK_PX;
}

/** The index of the first item for which something holds that holds for all after it. @template T @param {T[]} items @param {(item: T) => boolean} holds */
function firstIndex(items, holds) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
