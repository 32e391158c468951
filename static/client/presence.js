/**
 * Who is in a class now. Small classes get a list: its whole state after each join, then the differences; large ones get
 * counts only.
 *
 * Differences may come before the state to which they apply (the server is already sending when we join), so
 * they wait for it. Within one, joins come before leaves: a tab that is exchanged for another is then never nobody.
 */

import {Listeners} from "./listeners.js";

/**
 * @typedef {{id: number, name: string, role: string}} User
 * @typedef {{phx_ref: string}} Meta
 * @typedef {{metas: Meta[], user: User}} Entry one user, with one meta for each of their sessions
 * @typedef {Record<string, Entry>} Entries
 * @typedef {{joins: Entries, leaves: Entries}} Diff
 * @typedef {{users: Record<string, number>}} Counts by role
 */

export const STATE = "presence_state";
export const DIFF = "presence_diff";
export const COUNT = "presence_count";

/** Differences kept until the state comes, a moment after the join; more, and something else is wrong. */
const MAX_WAITING = 1000;

export class Presence {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Diff[] | null} null once the state has come */
  #waiting = [];
  /** @type {Counts | null} */
  #counts = null;
  /** @type {Listeners<[User[]]>} */
  #onChange = new Listeners();
  /** @type {Listeners<[Counts]>} */
  #onCount = new Listeners();

  /**
   * Call with the users present: now, and after each change.
   * @param {(users: User[]) => void} listener
   */
  onChange(listener) {
    const remove = this.#onChange.add(listener);
    listener(this.list());
    return remove;
  }

  /**
   * Call with how many are present, where the class is too large for a list.
   * @param {(counts: Counts) => void} listener
   */
  onCount(listener) {
    const remove = this.#onCount.add(listener);
    if (this.#counts !== null) listener(this.#counts);
    return remove;
  }

  /** The users present, by name. */
  list() {
    const users = Array.from(this.#entries.values(), ({user}) => user);
    return users.sort((one, other) => one.name.localeCompare(other.name) || one.id - other.id);
  }

  /** A join begins: a new state will come. What we show stays until then, so that nothing flickers. */
  expectState() {
    this.#waiting = [];
  }

  /**
   * Take an event of the channel, if it is about presence.
   * @param {string} event
   * @param {Record<string, any>} payload
   */
  receive(event, payload) {
    if (event === STATE) this.#takeState(/** @type {Entries} */ (payload));
    else if (event === DIFF) this.#takeDiff(/** @type {Diff} */ (payload));
    else if (event === COUNT) this.#takeCounts(/** @type {Counts} */ (payload));
  }

  /** @param {Entries} entries */
  #takeState(entries) {
    this.#entries = new Map(Object.entries(entries));
    for (const diff of this.#waiting ?? []) this.#apply(diff);
    this.#waiting = null;
    this.#onChange.emit(this.list());
  }

  /** @param {Diff} diff */
  #takeDiff(diff) {
    if (this.#waiting === null) {
      this.#apply(diff);
      this.#onChange.emit(this.list());
    } else if (this.#waiting.length < MAX_WAITING) {
      this.#waiting.push(diff);
    }
  }

  /** @param {Counts} counts */
  #takeCounts(counts) {
    this.#counts = counts;
    this.#onCount.emit(counts);
  }

  /** @param {Diff} diff */
  #apply({joins, leaves}) {
    for (const [key, entry] of Object.entries(joins ?? {})) this.#enter(key, entry);
    for (const [key, entry] of Object.entries(leaves ?? {})) this.#leave(key, entry);
  }

  /**
   * @param {string} key
   * @param {Entry} entry
   */
  #enter(key, entry) {
    const known = without(this.#entries.get(key)?.metas ?? [], entry.metas);
    this.#entries.set(key, {...entry, metas: [...known, ...entry.metas]});
  }

  /**
   * @param {string} key
   * @param {Entry} entry
   */
  #leave(key, entry) {
    const present = this.#entries.get(key);
    if (present === undefined) return;
    const metas = without(present.metas, entry.metas);
    if (metas.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, {...present, metas});
  }
}

/**
 * @param {Meta[]} metas
 * @param {Meta[]} gone
 */
function without(metas, gone) {
  const refs = new Set(gone.map(({phx_ref}) => phx_ref));
  return metas.filter(({phx_ref}) => !refs.has(phx_ref));
}
