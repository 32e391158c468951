/**
 * What we think of WebSockets on this network: whether to begin with one, and when to try one beside a working poll.
 *
 *     trusted --strike--> doubted --second strike within a minute--> blocked, for an hour
 *        ^                   '--a minute--> trusted                     |
 *        '------------- one has held, or nothing works here ------------'
 *
 * A strike is a WebSocket that was refused, or ended without a word soon after it was begun. It says something about
 * WebSockets only if polls work: of a network or a server that is down nothing is learned.
 */

/** Two strikes are no accident; so far apart they are. */
const ENOUGH = 2;
export const STRIKE_MS = 60_000;
/** After a strike the second look comes soon: within that long, at random, for we were not the only ones struck. */
export const SECOND_LOOK_MS = 2000;
/** When the hour is over, the next try comes within that long: a class was blocked in one moment. */
export const TRIAL_WINDOW_MS = 10_000;
/** Polls that fail so often in a row show that what we remember does not help us. */
const HOPELESS = 3;

export class Trust {
  #clock;
  #random;
  #memory;
  /** @type {number[]} the times of the strikes */
  #strikes = [];
  #pollFailures = 0;
  #isNewNetwork = false;

  /**
   * @param {{
   *   clock: import("./clock.js").Clock,
   *   random: () => number,
   *   blockMemory: import("./block_memory.js").BlockMemory,
   * }} parts
   */
  constructor({clock, random, blockMemory}) {
    this.#clock = clock;
    this.#random = random;
    this.#memory = blockMemory;
  }

  /** Whether to begin with long-polling. */
  get prefersPoll() {
    return this.#memory.until !== null || this.#recent().length > 0;
  }

  /** Milliseconds until a WebSocket is tried beside the poll. */
  trialIn() {
    const until = this.#isNewNetwork ? null : this.#memory.until;
    if (until === null) return Math.floor(this.#random() * SECOND_LOOK_MS);
    return until - this.#clock.now() + Math.floor(this.#random() * TRIAL_WINDOW_MS);
  }

  /**
   * A WebSocket was blocked, as it seems; `count` 2 when it is as good as certain.
   * @param {number} count
   */
  strike(count = 1) {
    this.#strikes.push(...Array(count).fill(this.#clock.now()));
  }

  /** Polls work: now the strikes count. */
  judge() {
    if (this.#recent().length < ENOUGH) return;
    this.#memory.remember();
    this.#strikes = [];
    this.#isNewNetwork = false;
  }

  /** A WebSocket has held. The strikes stay: one that holds for some seconds and is killed then has not proved much. */
  held() {
    this.#memory.forget();
    this.#isNewNetwork = false;
  }

  /** Nothing works at the moment: the strikes are no sign of a filter. */
  acquit() {
    this.#strikes = [];
  }

  /** Polls do not work, either. */
  pollFailed() {
    this.acquit();
    this.#pollFailures += 1;
    if (this.#pollFailures >= HOPELESS) this.#memory.forget();
  }

  pollHeld() {
    this.#pollFailures = 0;
  }

  /** What was true of the last network need not be true of this one: try soon. */
  networkChanged() {
    this.#isNewNetwork = true;
  }

  #recent() {
    const now = this.#clock.now();
    this.#strikes = this.#strikes.filter((at) => now - at < STRIKE_MS);
    return this.#strikes;
  }
}
