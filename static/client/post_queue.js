/**
 * Gathers the frames that a long-polling client sends into posts: one under way at a time, so that they keep their order,
 * and the next has all that came meanwhile.
 */

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
  #send;
  #failed;
  /** @type {string[]} */
  #waiting = [];
  #isStopped = false;
  /** @type {(() => void) | null} takes back the post that is under way, or about to be */
  #callOff = null;

  /**
   * @param {import("./clock.js").Clock} clock
   * @param {SendPost} send
   * @param {(answer: Payload | null) => void} failed is called when a post was not answered with 200; stop it then
   */
  constructor(clock, send, failed) {
    this.#clock = clock;
    this.#send = send;
    this.#failed = failed;
  }

  /**
   * Send a frame after those before it, together with what else is sent in this moment.
   * @param {string} text
   */
  add(text) {
    this.#waiting.push(text);
    if (!this.#isStopped) this.#callOff ??= this.#clock.after(0, () => this.#post());
  }

  /** Send nothing more, and wait for nothing. */
  stop() {
    this.#isStopped = true;
    this.#callOff?.();
  }

  #post() {
    this.#callOff = this.#send(this.#take().join("\n"), POST_MS, (answer) => this.#posted(answer));
  }

  /** @param {Payload | null} answer */
  #posted(answer) {
    this.#callOff = null;
    if (answer?.status !== 200) this.#failed(answer);
    else if (this.#waiting.length > 0) this.#post();
  }

  /** Take as many frames as a post may have. */
  #take() {
    let bytes = 0;
    const tooMany = this.#waiting.findIndex((text, index) => {
      bytes += new TextEncoder().encode(text).length + 1;
      return index === MAX_LINES || bytes > MAX_BYTES;
    });
    return this.#waiting.splice(0, tooMany === -1 ? this.#waiting.length : Math.max(1, tooMany));
  }
}
