/**
 * The time and its timers, as the client uses them; tests pass one that they turn by hand.
 *
 * Timers of a hidden tab fire late: up to a second, and up to a minute where each is set by the one before it. Hence:
 * no rule here counts ticks, each compares `now()` with the moment it was due; the heartbeat is set anew from the
 * answer to the last one, not from its timer; and a page that comes to the front looks at once (wakeups.js).
 */

/** @typedef {{now: () => number, after: (ms: number, call: () => void) => () => void}} Clock */

/** @type {Clock} */
export const pageClock = {
  /** Milliseconds since 1970. */
  now: () => Date.now(),

  /** Call once after so many milliseconds; the function returned calls it off. */
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
