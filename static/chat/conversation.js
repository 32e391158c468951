/**
 * The rows of a conversation in the order of their positions, with a line where a day begins, one where the unread
 * begins, and messages of one author that follow each other drawn as one block.
 */

import {_} from "../language.js";
import {page} from "../page.js";
import {MESSAGE} from "../reading.js";
import {dayName, isSameDay} from "../time.js";
import {divider} from "./row.js";

/** Messages of one author this close belong together. */
const BLOCK_MS = 5 * 60_000;

/** @typedef {import("../client/position.js").TopicEvent} TopicEvent */
/** @typedef {{event: string, payload: any, row: HTMLElement, day: HTMLElement | null}} Entry */

export class Conversation {
  /** @type {Entry[]} */
  entries = [];
  #list;
  #makeRow;
  /** @type {HTMLElement | null} */
  #line = null;
  /** The unread begins after this position; null: there is no line. @type {number | null} */
  #lineAfter = null;

  /** @param {HTMLElement} list @param {(event: TopicEvent) => HTMLElement} makeRow */
  constructor(list, makeRow) {
    this.#list = list;
    this.#makeRow = makeRow;
  }

  get line() {
    return this.#line;
  }

  get lastSeq() {
    return this.entries.at(-1)?.payload.seq ?? 0;
  }

  /** Add newer events. What is not newer is there already. @param {TopicEvent[]} events */
  append(events) {
    const added = events.filter(({payload}) => payload.seq > this.lastSeq).map((event) => this.#asEntry(event));
    const from = this.entries.length;
    this.entries.push(...added);
    this.#list.append(...added.map(({row}) => row));
    this.#decorate(from, this.entries.length);
    return added;
  }

  /** Add older events. @param {TopicEvent[]} events */
  prepend(events) {
    const first = this.entries[0]?.payload.seq ?? Infinity;
    const added = events.filter(({payload}) => payload.seq < first).map((event) => this.#asEntry(event));
    this.entries.unshift(...added);
    this.#list.prepend(...added.map(({row}) => row));
    this.#decorate(0, added.length + 1);
    if (this.#line !== null) this.drawLine(this.#lineAfter); // the unread may begin further up
  }

  /** Show these instead of all others. @param {TopicEvent[]} events */
  replace(events) {
    this.entries = [];
    this.#line = null;
    this.#list.replaceChildren();
    this.append(events);
  }

  /** Draw the line of the unread after a position, or take it away (null). @param {number | null} seq */
  drawLine(seq) {
    this.#lineAfter = seq;
    const before = this.#line?.nextElementSibling;
    this.#line?.remove();
    this.#line = null;
    const index = this.entries.findIndex(({row}) => row === before);
    if (index >= 0) this.#decorate(index, index + 1);
    this.#placeLine();
  }

  /** @param {TopicEvent} event @returns {Entry} */
  #asEntry(event) {
    return {...event, row: this.#makeRow(event), day: null};
  }

  #placeLine() {
    const after = this.#lineAfter;
    if (after === null) return;
    const index = this.entries.findIndex(({payload}) => payload.seq > after && payload.author.id !== page.me.id);
    if (index < 0) return;
    this.#line = divider(_("New messages"), true);
    this.entries[index].row.before(this.#line);
    this.#decorate(index, index + 1);
  }

  /** @param {number} from @param {number} to */
  #decorate(from, to) {
    for (let index = from; index < Math.min(to, this.entries.length); index += 1) {
      this.#decorateOne(this.entries[index], this.entries[index - 1]);
    }
  }

  /** @param {Entry} entry @param {Entry | undefined} before */
  #decorateOne(entry, before) {
    const beginsDay = before === undefined || !isSameDay(before.payload.at, entry.payload.at);
    if (!beginsDay) entry.day?.remove();
    entry.day = beginsDay ? entry.day ?? divider(dayName(entry.payload.at)) : null;
    const line = this.#line?.nextElementSibling === entry.row ? this.#line : null;
    if (entry.day !== null) (line ?? entry.row).before(entry.day);
    const isOneBlock = !beginsDay && line === null && before !== undefined && areOneBlock(before, entry);
    entry.row.classList.toggle("same-author", isOneBlock);
    before?.row.classList.toggle("followed", isOneBlock);
  }
}

/** @param {Entry} one @param {Entry} other */
function areOneBlock(one, other) {
  const areMessages = one.event === MESSAGE && other.event === MESSAGE;
  return areMessages && one.payload.author.id === other.payload.author.id && other.payload.at - one.payload.at < BLOCK_MS;
}
