/**
 * What a principal should know of a class without looking for it: a lesson with students whom no teacher is with, and more
 * messages than anybody can read. It follows from a class and the time, and knows no page.
 */

/** @typedef {import("./school.js").ClassNow} ClassNow */
/** @typedef {{kind: "untaught", now: ClassNow, since: number} | {kind: "flood", now: ClassNow, count: number}} Alert */

/** A teacher who changes rooms or whose network fails is back sooner. */
const UNTAUGHT_MS = 5 * 60_000;

/** One message a second: nobody can read along. */
const FLOOD = 60;

/** A class in which each student answers a question, and answers another, is none. */
const FLOOD_OF_EACH = 2;

/** A flood is shown for this many minutes after it, so that whoever looks away for a moment sees it. */
const SHOWN_MINUTES = 3;

/**
 * The alerts of all classes: first the lessons without a teacher, the one that waits longest before the others.
 * @param {Iterable<ClassNow>} classes
 * @param {number} at ms since 1970, by the server's clock
 * @param {(now: ClassNow) => number} pace
 * @returns {Alert[]}
 */
export function alertsOf(classes, at, pace) {
  /** @type {(Alert & {kind: "untaught"})[]} */
  const untaught = [];
  /** @type {(Alert & {kind: "flood"})[]} */
  const floods = [];
  for (const now of classes) {
    const since = now.students_online > 0 && now.teachers_online === 0 ? now.lesson?.untaught : undefined;
    if (since !== undefined && at - since >= UNTAUGHT_MS) untaught.push({kind: "untaught", now, since});
    const count = Math.max(pace(now), ...now.messages.slice(-SHOWN_MINUTES));
    if (count >= Math.max(FLOOD, FLOOD_OF_EACH * now.students_online)) floods.push({kind: "flood", now, count});
  }
  return [...untaught.sort((one, other) => one.since - other.since), ...floods.sort((one, other) => other.count - one.count)];
}
