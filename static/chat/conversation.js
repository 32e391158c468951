/**
 * The rows of one part of a conversation, in the order of their positions, with a line where a day begins, one where the
 * unread begins, and messages of one author that follow each other drawn as one block.
 *
 *     positions   1 …… from [ rows: all that was said after `from`, up to `to` ] to …… newest
 *
 * It adds and drops rows at both ends. Which part of the conversation that is, the history decides.
 */

import {amend, REACTING} from "../amended.js";
import {_} from "../language.js";
import {page} from "../page.js";
import {MESSAGE} from "../reading.js";
import {dayName, isSameDay, timeElement} from "../time.js";
import {divider} from "./row.js";

/** Messages of one author this close belong together. */
const BLOCK_MS = 5 * 60_000;

/** @typedef {import("../client/position.js").TopicEvent} TopicEvent */
/** @typedef {{event: string, payload: any, row: HTMLElement, day: HTMLElement | null}} Entry */
/** @typedef {{from: number, to: number}} Range what was said after `from` and up to `to` */

export class Conversation {
  /** @type {Entry[]} */
  entries = [];
  from = 0;
  to = 0;
  #list;
  #makeRow;
  #showBeside;
  /** @type {HTMLElement | null} */
  #line = null;
  /** The unread begins after this position; null: there is no line. @type {number | null} */
  #lineAfter = null;

  /**
   * @param {HTMLElement} list
   * @param {(event: TopicEvent) => HTMLElement} makeRow
   * @param {(row: HTMLElement, event: TopicEvent) => void} showBeside shows in a row what stands beside its words
   */
  constructor(list, makeRow, showBeside = () => {}) {
    this.#list = list;
    this.#makeRow = makeRow;
    this.#showBeside = showBeside;
  }

  /** The line of the unread, where it is on the page. */
  get line() {
    return this.#line;
  }

  get lineAfter() {
    return this.#lineAfter;
  }

  /** Add newer events, up to a position. What is not newer is there already. @param {TopicEvent[]} events @param {number} to */
  append(events, to) {
    const added = events.filter(({payload}) => payload.seq > this.to).map((event) => this.#asEntry(event));
    const from = this.entries.length;
    this.entries.push(...added);
    this.#list.append(...added.map(({row}) => row));
    this.to = Math.max(this.to, to);
    this.#decorate(from, this.entries.length);
    if (this.#line === null) this.#placeLine();
  }

  /** Add older events, from a position on. @param {TopicEvent[]} events @param {number} from */
  prepend(events, from) {
    const added = events.filter(({payload}) => payload.seq <= this.from).map((event) => this.#asEntry(event));
    this.entries.unshift(...added);
    this.#list.prepend(...added.map(({row}) => row));
    this.from = Math.min(this.from, from);
    this.#decorate(0, added.length + 1);
    if (this.#lineAfter !== null) this.drawLine(this.#lineAfter); // the unread may begin further up
  }

  /** Show these instead of all others. @param {TopicEvent[]} events @param {Range} range */
  replace(events, {from, to}) {
    this.entries = [];
    this.#line = null;
    this.#list.replaceChildren();
    this.from = this.to = from;
    this.append(events, to);
  }

  /** Show what an event makes of earlier messages, if those are here. @param {TopicEvent} change */
  amend(change) {
    for (const index of amend(this.entries, change)) {
      const entry = this.entries[index];
      if (REACTING.includes(change.event)) this.#showBeside(entry.row, entry);
      else this.#renew(entry, index);
    }
  }

  /** @param {Entry} entry @param {number} index */
  #renew(entry, index) {
    const row = this.#makeRow(entry);
    entry.row.replaceWith(row);
    entry.row = row;
    this.#decorate(index, index + 2);
  }

  /** The row at a position, if it is here. @param {number} seq */
  rowAt(seq) {
    return this.entries.find(({payload}) => payload.seq === seq)?.row;
  }

  /** Drop the oldest rows. @param {number} count */
  dropFirst(count) {
    const dropped = this.entries.splice(0, count);
    if (dropped.length === 0) return;
    this.from = dropped[dropped.length - 1].payload.seq;
    this.#remove(dropped);
    this.#decorate(0, 1);
  }

  /** Drop the newest rows. @param {number} count */
  dropLast(count) {
    const dropped = this.entries.splice(Math.max(0, this.entries.length - count));
    if (dropped.length === 0) return;
    this.to = this.entries.at(-1)?.payload.seq ?? this.from;
    this.#remove(dropped);
    this.entries.at(-1)?.row.classList.remove("followed");
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

  /** Whether something is somebody else's words. @param {{payload: any}} said */
  static isByOther({payload}) {
    return payload.author.id !== page.me.id;
  }

  /** @param {TopicEvent} event @returns {Entry} */
  #asEntry(event) {
    return {...event, row: this.#makeRow(event), day: null};
  }

  /** @param {Entry[]} dropped */
  #remove(dropped) {
    for (const {row, day} of dropped) {
      if (this.#line?.nextElementSibling === row) this.#removeLine();
      day?.remove();
      row.remove();
    }
  }

  #removeLine() {
    this.#line?.remove();
    this.#line = null;
  }

  /** The line stands where the unread begins, or nowhere: not above a part of it. */
  #placeLine() {
    const after = this.#lineAfter;
    if (after === null || after < this.from) return;
    const index = this.entries.findIndex((entry) => entry.payload.seq > after && Conversation.isByOther(entry));
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
    entry.day = beginsDay ? entry.day ?? divider(timeElement(entry.payload.at, dayName)) : null;
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
