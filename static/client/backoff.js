/**
 * How long to wait before the next attempt: exponential, with full jitter (anything from nothing to the bound).
 *
 * When a server restarts, everybody loses the connection in the same moment. Full jitter spreads their return evenly
 * over the whole window; a fixed delay, or a little jitter on one, only moves the herd.
 */

/** The first window. A school of 10,000 that comes back within it is about what one server accepts in a second. */
export const FIRST_WINDOW_MS = 1000;
/** The widest window. Longer, and people would reload by hand; 10,000 clients over it are 330 attempts a second. */
export const WIDEST_WINDOW_MS = 30_000;

export class Backoff {
  #random;
  #widest;
  #failures = 0;

  /**
   * @param {() => number} random 0 <= number < 1
   * @param {number} widest the widest window
   */
  constructor(random, widest = WIDEST_WINDOW_MS) {
    this.#random = random;
    this.#widest = widest;
  }

  /** Whether nothing has failed since the last reset. */
  get isFresh() {
    return this.#failures === 0;
  }

  /** Count a failure, and return how many milliseconds to wait after it. */
  next() {
    const window = Math.min(this.#widest, FIRST_WINDOW_MS * 2 ** this.#failures);
    if (window < this.#widest) this.#failures += 1;
    return Math.floor(this.#random() * window);
  }

  /** Forget the failures: the last attempt went well. */
  reset() {
    this.#failures = 0;
  }
}
