/**
 * The announcements of one topic that the user has not read: those that the page has, and how many are older than these.
 *
 * The older ones are counted by the server, and only where all that the page has are unread.
 */

import {isOver} from "./together.js";

/** As many as a topic's state has (PROTOCOL: STATE_ANNOUNCEMENTS); where there are fewer, there are no others. */
const LISTED = 50;

/**
 * @typedef {{seq: number, author: {id: number}, at: number, text: string, title?: string}} Announcement
 * @typedef {{topic: string, read: number, announcements: {payload: any}[]}} Reading
 * @typedef {(after: number, before: number) => Promise<number>} Count counts those by others between two positions
 * @typedef {{reading: Reading, seen: import("./seen.js").SeenAnnouncements, me: number, count: Count, changed: () => void}} Parts
 */

export class UnreadAnnouncements {
  #reading;
  #seen;
  #me;
  #count;
  #changed;
  /** How many older ones are unread; null until they are counted. @type {number | null} */
  #older = 0;
  /** The positions between which the older ones were counted; empty where there are none. */
  #counted = "";

  /** @param {Parts} parts `me`: the user's id, who need not read what they wrote; `changed` comes after a count */
  constructor({reading, seen, me, count, changed}) {
    this.#reading = reading;
    this.#seen = seen;
    this.#me = me;
    this.#count = count;
    this.#changed = changed;
  }

  /** Return those that the page has. @returns {Announcement[]} */
  listed() {
    return this.#reading.announcements.map(({payload}) => payload).filter((payload) => this.has(payload));
  }

  /** Return how many are older than those, 0 until they are counted; begins to count where that is due. */
  older() {
    const {announcements} = this.#reading;
    const after = this.#mark;
    const before = announcements[0]?.payload.seq ?? 0;
    if (announcements.length < LISTED || before <= after + 1) this.#take("", 0);
    else if (this.#counted !== `${after}/${before}`) this.#ask(after, before);
    return this.#older ?? 0;
  }

  /** Return whether one is unread. @param {Announcement} announcement */
  has(announcement) {
    const {seq, author} = announcement;
    return seq > this.#mark && author.id !== this.#me && !isOver(announcement);
  }

  /**
   * Those at these positions were on the screen: what counts as seen moves up to them, and never past one that was not.
   * @param {Set<number>} positions
   */
  markSeen(positions) {
    this.older();
    if (this.#older !== 0) return;
    let position = this.#mark;
    for (const {payload} of this.#reading.announcements) {
      if (this.has(payload) && !positions.has(payload.seq)) break;
      position = Math.max(position, payload.seq);
    }
    this.#seen.mark(this.#reading.topic, position);
  }

  get #mark() {
    return Math.max(this.#reading.read, this.#seen.upTo(this.#reading.topic));
  }

  /** @param {number} after @param {number} before */
  #ask(after, before) {
    const asked = `${after}/${before}`;
    this.#take(asked, null);
    this.#count(after, before).then(
      (count) => this.#answered(asked, count),
      () => this.#answered(asked, null),
    );
  }

  /** @param {string} asked @param {number | null} count null: it failed, and the next change asks again */
  #answered(asked, count) {
    if (asked !== this.#counted) return; // other positions are asked about by now
    this.#take(count === null ? "" : asked, count);
    if (count !== null) this.#changed();
  }

  /** @param {string} counted @param {number | null} older */
  #take(counted, older) {
    this.#counted = counted;
    this.#older = older;
  }
}
