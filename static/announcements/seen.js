/**
 * How far the user has seen the announcements of each topic on the page of announcements, in this browser.
 *
 * The server's read mark says "everything up to here", so an announcement that was seen behind unread chat cannot move it.
 * What was seen is kept here until the mark passes it, so that the sign of new announcements goes. It holds positions, no
 * text, and of one user only: the next one at the same computer begins anew.
 */

import {Listeners} from "../client/listeners.js";

const NAME = "lousa.announcements-seen";

/** @typedef {{user: number, epoch: string, topics: Record<string, number>}} Kept */

export class SeenAnnouncements {
  #storage;
  #user;
  #epoch = "";
  /** @type {Record<string, number>} */
  #topics = {};
  /** @type {Listeners<[]>} */
  #onChange = new Listeners();

  /** @param {Storage | null} storage @param {number} user */
  constructor(storage, user) {
    this.#storage = storage;
    this.#user = user;
  }

  /** Call after each change, also by another tab. @param {() => void} listener */
  onChange(listener) {
    return this.#onChange.add(listener);
  }

  /** The positions belong to this journal; those of another one are forgotten. @param {string} epoch */
  open(epoch) {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#topics = {};
    this.#topics = this.#read();
    this.#onChange.emit();
  }

  /** Read again what another tab has written. */
  reload() {
    this.#topics = this.#read();
    this.#onChange.emit();
  }

  /** @param {string} topic */
  upTo(topic) {
    return this.#topics[topic] ?? 0;
  }

  /** All announcements of a topic up to this position were on the screen. @param {string} topic @param {number} seq */
  mark(topic, seq) {
    if (seq <= this.upTo(topic)) return;
    this.#topics = {...this.#read(), [topic]: seq};
    this.#write();
    this.#onChange.emit();
  }

  /** @returns {Record<string, number>} */
  #read() {
    try {
      const kept = JSON.parse(this.#storage?.getItem(NAME) ?? "null");
      return kept.user === this.#user && kept.epoch === this.#epoch ? kept.topics : this.#topics;
    } catch {
      return this.#topics; // nothing is kept, or it cannot be read
    }
  }

  #write() {
    try {
      this.#storage?.setItem(NAME, JSON.stringify({user: this.#user, epoch: this.#epoch, topics: this.#topics}));
    } catch {
      return; // full or forbidden: it holds for this page
    }
  }
}

/** @param {number} user @returns {SeenAnnouncements} what this browser keeps of a user */
export function seenHere(user) {
  const seen = new SeenAnnouncements(allowed(), user);
  window.addEventListener("storage", ({key}) => key === NAME && seen.reload());
  return seen;
}

/** A browser that forbids storage throws when asked for it. */
function allowed() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
