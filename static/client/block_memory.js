/**
 * Remembers that WebSockets are blocked on this network: for an hour, for all pages of this site in this browser.
 *
 * A page cannot ask which network it is on. Where the browser tells at least its type (a phone: wifi or cellular), each type
 * is remembered apart; a change of networks is an event (network.js), upon which a WebSocket is tried anew.
 */

/** Filters are there for years, but pupils take their computers home: an hour is about a lesson. */
export const MEMORY_MS = 3_600_000;

const PREFIX = "lousa:websocket-blocked:";

export class BlockMemory {
  #storage;
  #clock;
  #networkType;
  /** What storage did not take: full, or forbidden. @type {Map<string, string>} */
  #own = new Map();

  /**
   * @param {Storage | null} storage null: only this page remembers
   * @param {import("./clock.js").Clock} clock
   * @param {() => string} networkType
   */
  constructor(storage, clock, networkType) {
    this.#storage = storage;
    this.#clock = clock;
    this.#networkType = networkType;
  }

  /** Until when (ms since 1970) WebSockets count as blocked; null when they do not. */
  get until() {
    const until = Number(this.#read());
    const left = until - this.#clock.now();
    return left > 0 && left <= MEMORY_MS ? until : null; // more: somebody has put the clock back
  }

  remember() {
    const until = String(this.#clock.now() + MEMORY_MS);
    try {
      if (this.#storage === null) this.#own.set(this.#name, until);
      this.#storage?.setItem(this.#name, until);
    } catch {
      this.#own.set(this.#name, until);
    }
  }

  forget() {
    this.#own.delete(this.#name);
    try {
      this.#storage?.removeItem(this.#name);
    } catch {
      return;
    }
  }

  #read() {
    const own = this.#own.get(this.#name) ?? null;
    try {
      return this.#storage?.getItem(this.#name) ?? own;
    } catch {
      return own;
    }
  }

  get #name() {
    return PREFIX + this.#networkType();
  }
}
