/** Which classes come first: what needs attention, then what happens, by how much happens. The quiet ones are apart. */

import {language} from "../../static/language.js";

/** @typedef {import("./school.js").ClassNow} ClassNow */
/** @typedef {(one: ClassNow, other: ClassNow) => number} Order */

const ATTENTION = 0;
const LIVELY = 1;
const QUIET = 2;

const titles = new Intl.Collator(language, {numeric: true});

/** @type {Order} */
const byTitle = (one, other) => titles.compare(one.title, other.title);

/** Students without a teacher. @param {ClassNow} now */
export function needsAttention(now) {
  return now.students_online > 0 && now.teachers_online === 0;
}

/** Nobody there, no lesson, and no message within the last minutes. @param {ClassNow} now */
export function isQuiet(now) {
  return !now.lesson && now.students_online + now.teachers_online === 0 && !now.messages.slice(-2).some((count) => count > 0);
}

/** @param {ClassNow} now */
export function rank(now) {
  return needsAttention(now) ? ATTENTION : isQuiet(now) ? QUIET : LIVELY;
}

/**
 * Return the order of a name, as the page's selection has them.
 * @param {string} name
 * @param {(now: ClassNow) => number} pace
 * @returns {Order}
 */
export function orderOf(name, pace) {
  /** @type {Record<string, Order>} */
  const orders = {
    now: (one, other) => rank(one) - rank(other) || pace(other) - pace(one) || other.students_online - one.students_online,
    title: () => 0,
    students: (one, other) => other.students_online - one.students_online,
    messages: (one, other) => pace(other) - pace(one),
  };
  return (one, other) => orders[name](one, other) || byTitle(one, other) || one.id - other.id;
}
