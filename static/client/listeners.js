/** A set of functions to call when something happens. */

/** @template {unknown[]} Args */
export class Listeners {
  /** @type {Set<{call: (...args: Args) => void}>} */
  #all = new Set();

  /**
   * Add a function, and return one that takes it away again. The same function added twice is called twice.
   * @param {(...args: Args) => void} listener
   * @returns {() => void}
   */
  add(listener) {
    const entry = {call: listener};
    this.#all.add(entry);
    return () => void this.#all.delete(entry);
  }

  /**
   * Call every function. One that throws is reported as an uncaught error and does not keep the others, or the
   * connection, from going on.
   * @param {Args} args
   */
  emit(...args) {
    for (const entry of [...this.#all]) {
      if (!this.#all.has(entry)) continue; // taken away by a function called before it
      try {
        entry.call(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
