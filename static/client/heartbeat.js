/**
 * Tells a living connection from a dead one. A network that goes away silently closes nothing: only an answer that does
 * not come shows it.
 *
 *     start ---30 s---> beat ---heard---> start …
 *                         '---10 s of silence---> dead
 */

/** The server ends a connection that is silent for 90 s (channels/limit.py): two beats fit in. */
export const INTERVAL_MS = 30_000;
/** A slow mobile network answers within a few seconds; after ten, people reload. */
export const ANSWER_MS = 10_000;
/** After a wake-up somebody is looking at the page, after a push without an answer there is a reason to doubt: sooner. */
export const WAKE_ANSWER_MS = 4000;
/** A timer this late means that the page was frozen: the answer may have come, and wait behind the timer. */
const LATE_MS = 1000;

export class Heartbeat {
  #clock;
  #send;
  #dead;
  #isAwaiting = false;
  /** @type {() => void} */
  #callOff = () => {};

  /**
   * @param {import("./clock.js").Clock} clock
   * @param {() => void} send sends a heartbeat
   * @param {() => void} dead is called once when none is answered
   */
  constructor(clock, send, dead) {
    this.#clock = clock;
    this.#send = send;
    this.#dead = dead;
  }

  /** Begin, or begin the interval anew. */
  start() {
    this.#isAwaiting = false;
    this.#wait(INTERVAL_MS, () => this.#beat(ANSWER_MS));
  }

  /** Something arrived. Whatever it is, the connection carries: a heartbeat's answer may queue behind a long history. */
  heard() {
    if (this.#isAwaiting) this.start();
  }

  /** Ask now whether the connection still carries. */
  probe() {
    if (!this.#isAwaiting) this.#beat(WAKE_ANSWER_MS);
  }

  stop() {
    this.#callOff();
  }

  /** @param {number} answerMs */
  #beat(answerMs) {
    this.#isAwaiting = true;
    this.#send();
    this.#expect(answerMs);
  }

  /** @param {number} answerMs */
  #expect(answerMs) {
    const due = this.#clock.now() + answerMs;
    this.#wait(answerMs, () => {
      if (this.#clock.now() - due > LATE_MS) this.#expect(LATE_MS);
      else this.#dead();
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
