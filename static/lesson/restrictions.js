/**
 * What keeps a student from writing to the class: its hours, a mute, a lock, slow mode. The server decides at each push
 * (channels/lesson); this says it beforehand, and says when it ends.
 */

/**
 * `until`: when it ends by itself (ms); null where nobody knows. `seconds`: those of slow mode. `notes`: one can still
 * write to the teachers. While it is `slow` one may write and not send.
 * @typedef {{kind: "closed" | "muted" | "locked" | "slow", until: number | null, seconds?: number, notes?: boolean}} Restriction
 * @typedef {{own: Hours | null, school: Hours, zone: string, open: boolean, changes: number[]}} ClassHours
 * @typedef {{mode: "always" | "lesson" | "hours", spans: {day: number, opens: string, closes: string}[]}} Hours
 */

export class Restrictions {
  /** @type {{notes: boolean} | null} */
  lock = null;
  seconds = 0;
  /** When the user is not muted any more. */
  mutedUntil = 0;
  /** When the user may send again in slow mode. */
  slowUntil = 0;
  /** @type {ClassHours} */
  hours = {own: null, school: {mode: "always", spans: []}, zone: "UTC", open: true, changes: []};

  /** The class was joined. @param {any} state */
  join({lock = null, slow = {seconds: 0}, mute = null, hours = this.hours}) {
    this.lock = lock;
    this.seconds = slow.seconds;
    this.mutedUntil = mute?.until ?? 0;
    this.hours = hours;
  }

  /** The user has sent a message, at a time (ms). @param {number} at */
  sent(at) {
    this.slowUntil = Math.max(this.slowUntil, at + 1000 * this.seconds);
  }

  /** Slow mode has changed: it begins with the next message. @param {number} seconds */
  slowed(seconds) {
    this.seconds = seconds;
    this.slowUntil = 0;
  }

  /** The server has refused a push. @param {import("../client/errors.js").Refused} error @param {number} now */
  refused({code, retryAfter, response}, now) {
    if (code === "slow") this.slowUntil = now + (retryAfter ?? 0);
    if (code === "muted") this.mutedUntil = response.until ?? 0;
    if (code === "locked") this.lock ??= {notes: false};
    if (code === "closed") this.hours = {...this.hours, open: false, changes: response.opens_at === undefined ? [] : [response.opens_at]};
  }

  /** Whether the class is open to students by its hours. @param {number} now */
  isOpen(now) {
    const passed = this.hours.changes.filter((change) => change <= now).length;
    return this.hours.open === (passed % 2 === 0);
  }

  /** What there is to say now, the longest-lasting first; null: the user may send. @param {number} now @returns {Restriction | null} */
  at(now) {
    if (!this.isOpen(now)) return {kind: "closed", until: this.#nextChange(now)};
    if (this.mutedUntil > now) return {kind: "muted", until: this.mutedUntil};
    if (this.lock !== null) return {kind: "locked", until: null, notes: this.lock.notes};
    if (this.seconds > 0) return {kind: "slow", until: Math.max(now, this.slowUntil), seconds: this.seconds};
    return null;
  }

  /** When to look again, at the latest; null: not before something happens. @param {number} now */
  next(now) {
    const times = [this.mutedUntil, this.slowUntil, this.#nextChange(now) ?? 0].filter((time) => time > now);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** @param {number} now */
  #nextChange(now) {
    return this.hours.changes.find((change) => change > now) ?? null;
  }
}
