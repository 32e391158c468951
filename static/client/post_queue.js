/**
 * Gathers the frames that a long-polling client sends into posts: one under way at a time, so that they keep their order,
 * and the next has all that came meanwhile.
 *
 * A post that the server could not take (503: nothing of it was done) is sent again after a while. What became of any other
 * that failed nobody knows: there the order ends.
 */

import {Backoff} from "./backoff.js";
import {delayOf} from "./request.js";

/** How long a post may take. The server answers once it has handled every line, and gives up a push within 5 s. */
export const POST_MS = 10_000;
/** Of one post; the server takes 300 lines and 256 KiB. A frame has at most 64 KiB: the largest one fits. */
export const MAX_LINES = 100;
export const MAX_BYTES = 128 * 1024;

/**
 * @typedef {import("./frame.js").Payload} Payload
 * @typedef {(body: string, timeoutMs: number, answered: (answer: Payload | null) => void) => () => void} SendPost
 */

export class PostQueue {
  #clock;
  #backoff;
  #send;
  #failed;
  /** @type {string[]} */
  #waiting = [];
  #isStopped = false;
  /** @type {(() => void) | null} takes back the post that is under way, or about to be */
  #callOff = null;

  /**
   * @param {{clock: import("./clock.js").Clock, random: () => number}} parts
   * @param {SendPost} send
   * @param {(answer: Payload | null) => void} failed is called when a post came to nothing; stop it then
   */
  constructor({clock, random}, send, failed) {
    this.#clock = clock;
    this.#backoff = new Backoff(random);
    this.#send = send;
    this.#failed = failed;
  }

  /**
   * Send a frame after those before it, together with what else is sent in this moment.
   * @param {string} text
   */
  add(text) {
    this.#waiting.push(text);
    if (!this.#isStopped) this.#callOff ??= this.#clock.after(0, () => this.#post(this.#take()));
  }

  /** Send nothing more, and wait for nothing. */
  stop() {
    this.#isStopped = true;
    this.#callOff?.();
  }

  /** @param {string} body */
  #post(body) {
    this.#callOff = this.#send(body, POST_MS, (answer) => this.#posted(body, answer));
  }

  /**
   * @param {string} body
   * @param {Payload | null} answer
   */
  #posted(body, answer) {
    this.#callOff = null;
    if (answer?.status === 503) return this.#postLater(body, delayOf(answer));
    if (answer?.status !== 200) return this.#failed(answer);
    this.#backoff.reset();
    if (this.#waiting.length > 0) this.#post(this.#take());
  }

  /**
   * @param {string} body
   * @param {number} ms
   */
  #postLater(body, ms) {
    this.#callOff = this.#clock.after(ms + this.#backoff.next(), () => this.#post(body));
  }

  /** Take as many frames as a post may have. */
  #take() {
    let bytes = 0;
    const tooMany = this.#waiting.findIndex((text, index) => {
      bytes += new TextEncoder().encode(text).length + 1;
      return index === MAX_LINES || bytes > MAX_BYTES;
    });
    return this.#waiting.splice(0, tooMany === -1 ? this.#waiting.length : Math.max(1, tooMany)).join("\n");
  }
}
