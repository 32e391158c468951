/**
 * Which part of the conversation is on the page: the end, which follows what arrives, or a part further up. The page has
 * at most MAX_ROWS rows. Reading on in one direction adds rows there and drops them on the far side.
 *
 *     1 ……… [ rows on the page ] ……… [ tail: the newest, in memory ] newest
 *                 `- reaches the tail: live, new events become rows
 *
 * The tail is kept whatever is on the page, so that the way to the newest needs no request, and so that what arrives is
 * bounded: of a storm only the tail becomes rows, with the next change of the page; what is before it is read when
 * somebody scrolls up. docs/notes/class-page.md argues why.
 */

import {amend, isAmending, REACTING} from "../amended.js";
import {setHidden} from "../dom.js";
import {throttled} from "../throttle.js";
import {byId} from "../page.js";
import {isSaid} from "../reading.js";
import {Conversation} from "./conversation.js";
import {isInFront} from "./view.js";

/** Begun this far before the last row is reached, so that reading on rarely waits. */
const AHEAD_PX = 600;
const PAGE = 50;
/** Above the unread, what was said just before it. */
const CONTEXT = 15;
/**
 * Each row costs each message 6 µs of the main thread (layout, painting), and a phone four times that. From MAX_ROWS on rows
 * are dropped until KEPT_ROWS are left: many at once, because then the rest moves. An upright screen of 4K shows 90 of the shortest rows, so
 * that with a page and what is read ahead nothing is dropped that is on it.
 */
const MAX_ROWS = 200;
const KEPT_ROWS = 150;
/** The same while the reader follows the end: there only what is on the screen, and what is read ahead, has to remain. */
const KEPT_ABOVE = 40;
const DROPPED_ABOVE = 20;
/** More than a screen shows, and than a join brings. */
const TAIL = 100;

/** @typedef {import("../client/position.js").TopicEvent} TopicEvent */
/** @typedef {"older" | "newer"} Direction */
/** @typedef {{events: TopicEvent[], more: boolean}} Page */

export class History {
  #reading;
  #conversation;
  #view;
  /** @type {TopicEvent[]} the newest that were said, all of them after #tailFrom */
  #tail = [];
  #tailFrom = 0;
  /** Whether what arrives becomes rows. */
  #isLive = false;
  #isOpen = false;
  /** How often the reader went elsewhere: what was asked for before that is out of date. */
  #moves = 0;
  /** @type {Direction | "jump" | null} */
  #underWay = null;
  /** @type {Record<Direction, boolean>} */
  #hasFailed = {older: false, newer: false};
  #showSoon = throttled(() => this.#showNew());
  /** @type {TopicEvent[]} reactions that the rows do not show yet */
  #reactions = [];
  #showReactionsSoon = throttled(() => this.#showReactions());
  #onShow;

  /**
   * @param {import("../reading.js").Reading} reading
   * @param {import("./conversation.js").Conversation} conversation
   * @param {import("./view.js").View} view
   * @param {() => void} onShow is called when the rows have changed
   */
  constructor(reading, conversation, view, onShow) {
    this.#reading = reading;
    this.#conversation = conversation;
    this.#view = view;
    this.#onShow = onShow;
    view.onScroll(() => this.#look());
    for (const direction of /** @type {Direction[]} */ (["older", "newer"])) {
      byId(`${direction}-retry`).addEventListener("click", () => this.#retry(direction));
    }
  }

  /** The newest position that is known. */
  get lastSeq() {
    return Math.max(this.#tailFrom, this.#tail.at(-1)?.payload.seq ?? 0);
  }

  /** How many others said after a position. Further back than the newest, only the positions are known. @param {number} seq */
  saidAfter(seq) {
    let count = Math.max(0, this.#tailFrom - seq);
    for (let index = this.#tail.length - 1; index >= 0 && this.#tail[index].payload.seq > seq; index -= 1) {
      if (Conversation.isByOther(this.#tail[index])) count += 1;
    }
    return count;
  }

  /** Whether the rows reach the newest, and the reader is there. */
  get isFollowing() {
    return this.#isLive && this.#view.isAtEnd;
  }

  /** The topic was joined: go on, or begin at the unread. @param {import("../client/channel.js").Joined} joined */
  join({resumed, events, seq}) {
    if (resumed && this.#isOpen) {
      this.#arrived(events.filter(isSaid));
      return events.filter(isAmending).forEach((change) => this.amend(change));
    }
    this.#tail = events.filter(isSaid);
    this.#tailFrom = events.length > 0 ? events[0].payload.seq - 1 : seq;
    this.#trimTail();
    this.#isOpen = true;
    this.#isLive = false;
    this.#conversation.replace([], {from: this.#tailFrom, to: this.#tailFrom});
    void this.toUnread();
  }

  /** Somebody has said something. @param {TopicEvent} event */
  add(event) {
    this.#arrived([event]);
  }

  /** A message has changed: its words at once, what stands beside them soon. @param {TopicEvent} change */
  amend(change) {
    amend(this.#tail, change);
    if (REACTING.includes(change.event)) {
      this.#reactions.push(change);
      return this.#showReactionsSoon();
    }
    this.#view.stay(() => this.#conversation.amend(change));
    this.#shown();
  }

  #showReactions() {
    const changes = this.#reactions;
    this.#reactions = [];
    this.#view.stay(() => changes.forEach((change) => this.#conversation.amend(change)));
    this.#shown();
  }

  /** A message, if it is on the page or among the newest. @param {number} seq @returns {TopicEvent | undefined} */
  find(seq) {
    return [...this.#conversation.entries, ...this.#tail].find(({payload}) => payload.seq === seq);
  }

  /** Go to a message and show which one it is. @param {number} seq */
  async toMessage(seq) {
    const {from, to} = this.#conversation;
    const move = (this.#moves += 1);
    if (seq <= from || seq > to) await this.#openAfter(seq - 1);
    const row = this.#conversation.rowAt(seq);
    if (move !== this.#moves || row === undefined) return;
    this.#view.toLine(row);
    this.#shown();
    point(row);
  }

  /** Go to the newest. */
  toNewest() {
    this.#moves += 1;
    if (!this.#isLive) this.#openTail();
    this.#view.toEnd();
    this.#shown();
  }

  /** Go to the first that is unread, with the line above it and some of what was before; without one, to the newest. */
  async toUnread() {
    const {read} = this.#reading;
    const {entries, from, to} = this.#conversation;
    const move = (this.#moves += 1);
    if (entries.length === 0 || read < from || read >= to) await this.#openAfter(read);
    if (move !== this.#moves) return; // the reader has gone elsewhere meanwhile
    this.#conversation.drawLine(read);
    if (this.#conversation.line === null) return this.toNewest();
    this.#view.toLine(this.#conversation.line);
    this.#shown();
  }

  #openTail() {
    this.#replace(this.#tail, this.#tailFrom, this.lastSeq);
    this.#isLive = true;
  }

  /** @param {number} seq */
  async #openAfter(seq) {
    if (seq >= this.#tailFrom) return this.#openTail();
    const after = Math.max(0, seq - CONTEXT);
    const move = this.#moves;
    const page = await this.#ask("jump", {after, limit: CONTEXT + PAGE});
    if (move !== this.#moves) return;
    if (page === null) return this.#openTail();
    this.#isLive = false;
    this.#replace(page.events.filter(isSaid), after, page.events.at(-1)?.payload.seq ?? after);
    this.#connect();
  }

  /** @param {TopicEvent[]} events @param {number} from @param {number} to */
  #replace(events, from, to) {
    this.#hasFailed = {older: false, newer: false};
    this.#conversation.replace(events, {from, to});
  }

  /** @param {TopicEvent[]} events */
  #arrived(events) {
    this.#tail.push(...events);
    this.#trimTail();
    this.#showSoon();
  }

  #trimTail() {
    if (this.#tail.length <= TAIL) return;
    this.#tailFrom = this.#tail[this.#tail.length - TAIL - 1].payload.seq;
    this.#tail = this.#tail.slice(-TAIL);
  }

  /** Bring what has arrived onto the page, if the page shows the end. */
  #showNew() {
    const {to} = this.#conversation;
    const fresh = this.#tail.filter(({payload}) => payload.seq > to);
    if (fresh.length > 0 && this.#isLive) this.#follow(fresh);
    this.#shown();
  }

  /** @param {TopicEvent[]} fresh */
  #follow(fresh) {
    const conversation = this.#conversation;
    const wasAtEnd = this.#view.isAtEnd;
    const hasHole = conversation.to < this.#tailFrom;
    const isFull = !wasAtEnd && conversation.entries.length + fresh.length > MAX_ROWS;
    if ((hasHole && !wasAtEnd) || isFull) {
      this.#isLive = false;
      return;
    }
    if (hasHole) this.#replace(this.#tail, this.#tailFrom, this.lastSeq);
    else conversation.append(fresh, this.lastSeq);
    if (wasAtEnd && isInFront()) conversation.dropFirst(this.#excessAbove);
    if (!wasAtEnd || !isInFront()) this.#lineAboveNew();
    if (wasAtEnd && !isInFront() && conversation.line !== null) this.#view.toLine(conversation.line);
    else if (wasAtEnd) this.#view.toEnd();
  }

  #lineAboveNew() {
    const {line, lineAfter} = this.#conversation;
    const {read} = this.#reading;
    if (line === null || (!isInFront() && lineAfter !== read)) this.#conversation.drawLine(read);
  }

  /** The rows may have reached the tail: then they go on to the end. */
  #connect() {
    if (this.#isLive || this.#conversation.to < this.#tailFrom) return;
    this.#conversation.append(this.#tail, this.lastSeq);
    this.#isLive = true;
  }

  #look() {
    if (!this.#isOpen || this.#underWay !== null) return;
    const {above, below} = this.#view.distances();
    if (above < AHEAD_PX && this.#conversation.from > 0 && !this.#hasFailed.older) void this.#read("older");
    else if (below < AHEAD_PX && !this.#isLive && !this.#hasFailed.newer) void this.#read("newer");
  }

  /** @param {Direction} direction */
  #retry(direction) {
    this.#hasFailed[direction] = false;
    void this.#read(direction);
  }

  /** @param {Direction} direction */
  async #read(direction) {
    const {from, to} = this.#conversation;
    const where = direction === "older" ? {before: from + 1} : {after: to};
    const known = this.#tailFrom;
    const move = this.#moves;
    const page = await this.#ask(direction, {...where, limit: PAGE});
    if (page === null) this.#hasFailed[direction] = true;
    else if (direction === "older" && this.#conversation.from === from) this.#takeOlder(page);
    else if (direction === "newer" && this.#conversation.to === to && move === this.#moves) this.#takeNewer(page, known);
    this.#shown();
    this.#look();
  }

  /**
   * Ask for events; null: there was no answer.
   * @param {Direction | "jump"} what @param {object} where
   * @returns {Promise<Page | null>}
   */
  async #ask(what, where) {
    this.#underWay = what;
    this.#showState();
    try {
      return await this.#reading.channel.push("history:read", where);
    } catch {
      return null;
    } finally {
      this.#underWay = null;
      this.#showState();
    }
  }

  /** @param {Page} page */
  #takeOlder({events, more}) {
    const from = more && events.length > 0 ? events[0].payload.seq - 1 : 0;
    this.#view.keep(() => this.#conversation.prepend(events.filter(isSaid), from));
    if (this.#excess === 0) return;
    this.#isLive = false;
    this.#conversation.dropLast(this.#excess);
  }

  /** Without more, the page has all that was known when it was asked for. @param {Page} page @param {number} known */
  #takeNewer({events, more}, known) {
    const last = events.at(-1)?.payload.seq ?? 0;
    this.#conversation.append(events.filter(isSaid), more ? last : Math.max(last, known));
    this.#connect();
    if (this.#excess > 0) this.#view.keep(() => this.#conversation.dropFirst(this.#excess));
  }

  /** How many rows to drop. */
  get #excess() {
    const {length} = this.#conversation.entries;
    return length > MAX_ROWS ? length - KEPT_ROWS : 0;
  }

  get #excessAbove() {
    const excess = this.#conversation.entries.length - Math.max(KEPT_ABOVE, this.#view.rowsWithin(AHEAD_PX));
    return excess >= DROPPED_ABOVE ? excess : 0;
  }

  #shown() {
    this.#showState();
    this.#onShow();
  }

  #showState() {
    const isReading = this.#underWay !== null;
    const isJumping = this.#underWay === "jump";
    this.#showParts({
      older: this.#underWay === "older" || isJumping,
      "older-retry": this.#hasFailed.older,
      start: this.#isOpen && this.#conversation.from === 0 && !isReading,
    });
    setHidden(byId("newer"), this.#underWay !== "newer");
    setHidden(byId("newer-retry"), !this.#hasFailed.newer);
  }

  /** What stands above the rows. @param {Record<string, boolean>} isShown */
  #showParts(isShown) {
    const changed = Object.keys(isShown).filter((id) => byId(id).hidden === isShown[id]);
    if (changed.length === 0) return;
    this.#view.keep(() => {
      for (const id of changed) byId(id).hidden = !isShown[id];
    });
  }
}

/** Make a row stand out for a moment; the focus goes there, so that reading on begins with it. @param {HTMLElement} row */
function point(row) {
  row.tabIndex = -1;
  row.focus({preventScroll: true});
  row.classList.add("pointed-at");
  row.addEventListener("animationend", () => row.classList.remove("pointed-at"), {once: true});
}
