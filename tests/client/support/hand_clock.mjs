/** A clock that a test turns by hand (see static/client/clock.js). */

export class HandClock {
  #now = 1_800_000_000_000;
  /** @type {{due: number, order: number, call: () => void}[]} */
  #timers = [];
  #order = 0;

  now() {
    return this.#now;
  }

  after(ms, call) {
    const timer = {due: this.#now + ms, order: (this.#order += 1), call};
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timers() {
    return this.#timers.length;
  }

  /** Let time pass: each timer is called at its moment, the earliest first. */
  advance(ms) {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) this.#fire(timer);
    this.#now = end;
  }

  /** Let time pass in a frozen page: no timer is called until the clock is turned again, and then late. */
  freeze(ms) {
    this.#now += ms;
  }

  #next(end) {
    const due = this.#timers.filter((timer) => timer.due <= end);
    return due.sort((one, other) => one.due - other.due || one.order - other.order)[0];
  }

  #fire(timer) {
    this.#timers = this.#timers.filter((other) => other !== timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.call();
  }
}
