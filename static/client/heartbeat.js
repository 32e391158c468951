/**
 * Tells a living connection from a dead one. A network that goes away silently closes nothing: only an answer that does
 * not come shows it.
 *
 *     start ---30 s---> beat ---heard---> start …
 *                         '---10 s of silence---> dead
 *     probe ----------> beat ---heard---> start …
 *                         '---1.5 s---> silent ---4 s in all---> dead
 */

/** The server ends a connection that is silent for 90 s (channels/limit.py): two beats fit in. */
export const INTERVAL_MS = 30_000;
/** A slow mobile network answers within a few seconds; after ten, people reload. */
export const ANSWER_MS = 10_000;
/** A probe has a reason: the connection is new, somebody looks at the page, a push got no answer. Sooner, then. */
export const PROBE_ANSWER_MS = 4000;
/** Hardly any network is slower than that when all is well; who can look for another way begins to do so. */
export const SILENCE_MS = 1500;
/** A timer this late means that the page was frozen: the answer may have come, and wait behind the timer. */
const LATE_MS = 1000;

/**
 * What it tells: `dead` once, when a heartbeat was not answered; `silent` when a probe was not answered at once.
 * @typedef {{dead: () => void, silent: () => void}} HeartbeatOwner
 */

export class Heartbeat {
  #clock;
  #send;
  #owner;
  #intervalMs;
  #isAwaiting = false;
  #isProbing = false;
  #isSilent = false;
  /** @type {() => void} */
  #callOff = () => {};

  /**
   * @param {import("./clock.js").Clock} clock
   * @param {() => void} send sends a heartbeat
   * @param {HeartbeatOwner} owner
   * @param {number} intervalMs Infinity: only probes beat
   */
  constructor(clock, send, owner, intervalMs = INTERVAL_MS) {
    this.#clock = clock;
    this.#send = send;
    this.#owner = owner;
    this.#intervalMs = intervalMs;
  }

  /** Whether a probe was not answered at once, and is not answered yet. */
  get isSilent() {
    return this.#isSilent;
  }

  /** Begin, or begin the interval anew. */
  start() {
    this.#isAwaiting = this.#isProbing = this.#isSilent = false;
    this.#callOff();
    if (this.#intervalMs < Infinity) this.#wait(this.#intervalMs, () => this.#beat());
  }

  /** Something arrived. Whatever it is, the connection carries: a heartbeat's answer may queue behind a long history. */
  heard() {
    if (this.#isAwaiting) this.start();
  }

  /** Ask now whether the connection still carries; an answer that is awaited already is awaited less long. */
  probe() {
    if (this.#isProbing) return;
    this.#isProbing = true;
    if (!this.#isAwaiting) this.#ask();
    this.#expect(SILENCE_MS, () => this.#quiet());
  }

  /** Beat no more, whatever arrives. */
  stop() {
    this.#isAwaiting = false;
    this.#callOff();
  }

  #beat() {
    this.#ask();
    this.#expect(ANSWER_MS, () => this.#owner.dead());
  }

  #ask() {
    this.#isAwaiting = true;
    this.#send();
  }

  #quiet() {
    this.#isSilent = true;
    this.#expect(PROBE_ANSWER_MS - SILENCE_MS, () => this.#owner.dead());
    this.#owner.silent();
  }

  /**
   * @param {number} ms
   * @param {() => void} missed
   */
  #expect(ms, missed) {
    const due = this.#clock.now() + ms;
    this.#wait(ms, () => {
      if (this.#clock.now() - due > LATE_MS) this.#expect(LATE_MS, missed);
      else missed();
    });
  }

  /**
   * @param {number} ms
   * @param {() => void} call
   */
  #wait(ms, call) {
    this.#callOff();
    this.#callOff = this.#clock.after(ms, call);
  }
}
