/**
 * The school as the dashboard's topic tells it: a snapshot at each join, then changes, each of which follows the one before.
 * See "The dashboard" in docs/protocol.md. It knows no page.
 */

/** The minutes of a chart. */
export const MINUTES = 30;
const MINUTE_MS = 60_000;

/**
 * `messages` of each minute, oldest first, the running one last; at most MINUTES, and none before the first. `lesson`: since
 * when one runs, and since when no teacher has been in it, where none is.
 * @typedef {{id: number, title: string, students: number, students_online: number, teachers_online: number,
 *   messages: number[], lesson?: {since: number, untaught?: number} | null}} ClassNow
 * @typedef {{users: Record<string, number>, connections: number, messages_per_minute: number}} Totals
 * @typedef {{version: number, at: number, minute: number, elapsed: number, totals: Totals}} Moment
 * @typedef {Moment & {classes: ClassNow[]}} Snapshot
 * @typedef {Moment & {previous: number, classes: ({id: number} & Partial<ClassNow>)[], gone: number[]}} Changes
 */

export class School {
  /** @type {Map<number, ClassNow>} each change of a class is another object */
  classes = new Map();
  /** @type {number[]} the messages of all classes in each minute */
  messages = [];
  /** @type {Moment} */
  moment = {version: 0, at: 0, minute: 0, elapsed: 0, totals: {users: {}, connections: 0, messages_per_minute: 0}};

  #toldAt = 0; // by this page's clock

  /** What time it is on the server, by its last word: the clock of a phone may be wrong. */
  get at() {
    return this.moment.at + performance.now() - this.#toldAt;
  }

  /** Begin anew. @param {Snapshot} snapshot */
  begin({classes, ...moment}) {
    this.#take(moment);
    this.classes = new Map(classes.map((each) => [each.id, each]));
    this.messages = Array.from({length: MINUTES}, () => 0);
    for (const each of classes) this.#count(each.messages, 1);
  }

  /** Go on. @param {Changes} changes @returns {boolean} false, and nothing changes, where some before them are missing */
  apply({previous, classes, gone, ...moment}) {
    if (previous !== this.moment.version) return false;
    this.#moveOn(moment.minute - this.moment.minute);
    this.#take(moment);
    for (const id of gone) this.#remove(id);
    for (const change of classes) this.#change(change);
    return true;
  }

  /** The messages of a class in the last 60 seconds: of the last minute, the part that still lies within them.
   * @param {ClassNow} now */
  pace({messages}) {
    const part = 1 - this.moment.elapsed / MINUTE_MS;
    return Math.round((messages.at(-2) ?? 0) * part + (messages.at(-1) ?? 0));
  }

  /** @param {Moment} moment */
  #take(moment) {
    this.moment = moment;
    this.#toldAt = performance.now();
  }

  /** @param {number} minutes */
  #moveOn(minutes) {
    const none = Array.from({length: Math.min(Math.max(0, minutes), MINUTES)}, () => 0);
    if (none.length === 0) return;
    this.messages = [...this.messages, ...none].slice(-MINUTES);
    for (const each of [...this.classes.values()].filter(({messages}) => messages.length > 0)) {
      this.classes.set(each.id, {...each, messages: [...each.messages, ...none].slice(-MINUTES)});
    }
  }

  /** @param {number} id */
  #remove(id) {
    this.#count(this.classes.get(id)?.messages ?? [], -1);
    this.classes.delete(id);
  }

  /** @param {{id: number} & Partial<ClassNow>} change */
  #change({messages: newest = [], ...fields}) {
    const before = this.classes.get(fields.id) ?? {title: "", students: 0, students_online: 0, teachers_online: 0, messages: []};
    const older = before.messages.slice(0, Math.max(0, before.messages.length - newest.length));
    this.#count(before.messages.slice(older.length), -1);
    this.#count(newest, 1);
    this.classes.set(fields.id, {...before, ...fields, messages: [...older, ...newest]});
  }

  /** @param {number[]} messages @param {1 | -1} sign */
  #count(messages, sign) {
    const first = this.messages.length - messages.length;
    messages.forEach((count, index) => (this.messages[first + index] += sign * count));
  }
}

/**
 * Keep a school up to date from its topic. Where a change is missing, the topic is joined again.
 * @param {import("../../static/client/channel.js").Channel} channel
 * @param {School} school
 * @param {() => void} onChange
 */
export function follow(channel, school, onChange) {
  channel.onJoin(({state}) => {
    school.begin(/** @type {any} */ (state.dashboard));
    onChange();
  });
  channel.on("dashboard:changed", (changes) => {
    if (school.apply(/** @type {any} */ (changes))) return onChange();
    channel.leave();
    channel.join();
  });
  channel.join();
}
