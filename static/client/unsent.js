/**
 * Keeps pushes that were not answered yet over a reload of the page: in the tab's sessionStorage, by user and topic.
 *
 * Computers at school are shared: what one user left unsent must never be sent, or read, by the next. So the store of one
 * user empties that of all others, and a page that signs out calls `forgetUnsent`.
 */

/** @typedef {import("./delivery.js").Content & {failure?: {code: string, message: string}}} Unsent */

const PREFIX = "lousa:unsent:";

/** Of the 5 MB that an origin's pages share, for one topic: 60 of the longest messages. What comes after is not kept. */
const MAX_CHARACTERS = 250_000;

/**
 * Remove everything that was kept, except what belongs to one user.
 * @param {Storage} storage
 * @param {string | null} user
 */
export function forgetUnsent(storage, user = null) {
  const kept = user === null ? null : `${PREFIX}${user}:`;
  const names = Array.from({length: storage.length}, (_, index) => storage.key(index) ?? "");
  for (const name of names) {
    if (name.startsWith(PREFIX) && (kept === null || !name.startsWith(kept))) storage.removeItem(name);
  }
}

export class UnsentStore {
  #storage;
  #user;

  /**
   * @param {Storage | null} storage null: nothing is kept
   * @param {string} user
   */
  constructor(storage, user) {
    this.#storage = storage;
    this.#user = user;
    if (storage !== null) forgetUnsent(storage, user);
  }

  /**
   * Return what was kept for a topic, oldest first.
   * @param {string} topic
   * @returns {Unsent[]}
   */
  load(topic) {
    try {
      const kept = JSON.parse(this.#storage?.getItem(this.#name(topic)) ?? "[]");
      return Array.isArray(kept) ? kept : [];
    } catch {
      return []; // not ours, or written by another version
    }
  }

  /**
   * Replace what is kept for a topic. Storage that is full or forbidden is no reason to refuse a message: then it is
   * kept in memory only.
   * @param {string} topic
   * @param {Unsent[]} unsent
   */
  save(topic, unsent) {
    try {
      if (unsent.length === 0) this.#storage?.removeItem(this.#name(topic));
      else this.#storage?.setItem(this.#name(topic), fitting(unsent));
    } catch {
      return;
    }
  }

  /** Forget everything, of every topic. */
  clear() {
    if (this.#storage !== null) forgetUnsent(this.#storage);
  }

  /** @param {string} topic */
  #name(topic) {
    return `${PREFIX}${this.#user}:${topic}`;
  }
}

/**
 * Write the oldest that fit.
 * @param {Unsent[]} unsent
 */
function fitting(unsent) {
  const written = [];
  let characters = 0;
  for (const one of unsent.map((push) => JSON.stringify(push))) {
    characters += one.length;
    if (characters > MAX_CHARACTERS) break;
    written.push(one);
  }
  return `[${written.join(",")}]`;
}
