/**
 * Times as the reader's clock shows them, in the page's language. All are milliseconds since 1970.
 *
 * "Today" is another word tomorrow: at midnight, and when the page is shown again, what is shown is said anew.
 */

import {Listeners} from "./client/listeners.js";
import {h, setText} from "./dom.js";
import {_, language} from "./language.js";

const clock = new Intl.DateTimeFormat(language, {hour: "2-digit", minute: "2-digit"});
const weekday = new Intl.DateTimeFormat(language, {weekday: "long"});
const day = new Intl.DateTimeFormat(language, {weekday: "long", day: "numeric", month: "long"});
const dayOfYear = new Intl.DateTimeFormat(language, {day: "numeric", month: "long", year: "numeric"});
const shortDay = new Intl.DateTimeFormat(language, {day: "2-digit", month: "2-digit"});
const inSeconds = new Intl.NumberFormat(language, {style: "unit", unit: "second", unitDisplay: "narrow"});
const whole = new Intl.DateTimeFormat(language, {dateStyle: "full", timeStyle: "short"});

/** @param {number} at */
export function clockTime(at) {
  return clock.format(at);
}

/** So many seconds, in few letters. @param {number} count */
export function seconds(count) {
  return inSeconds.format(count);
}

/** Whole days between two moments by the calendar, not by hours: what was before midnight was yesterday.
 * @param {number} at
 * @param {number} now */
function daysAgo(at, now) {
  const midnights = [now, at].map((moment) => new Date(moment).setHours(0, 0, 0, 0));
  return Math.round((midnights[0] - midnights[1]) / 86_400_000);
}

/** @param {number} one @param {number} other */
export function isSameDay(one, other) {
  return daysAgo(one, other) === 0;
}

/** The day, as a heading says it. @param {number} at */
export function dayName(at, now = Date.now()) {
  const days = daysAgo(at, now);
  if (days === 0) return _("Today");
  if (days === 1) return _("Yesterday");
  if (days === -1) return _("Tomorrow");
  if (Math.abs(days) < 7) return capital(weekday.format(at));
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return capital((isThisYear ? day : dayOfYear).format(at));
}

/** The shortest that still tells when: the time today, the day before that. @param {number} at */
export function shortTime(at, now = Date.now()) {
  const days = daysAgo(at, now);
  if (days === 0) return clockTime(at);
  return days === 1 ? _("Yesterday") : shortDay.format(at);
}

/** @param {number} at */
export function dayAndTime(at, now = Date.now()) {
  return isSameDay(at, now) ? clockTime(at) : `${dayName(at, now)}, ${clockTime(at)}`;
}

/** A time to come, after "until". @param {number} at */
export function comingTime(at, now = Date.now()) {
  const days = -daysAgo(at, now);
  const time = clockTime(at);
  if (days <= 0) return time;
  if (days === 1) return _("tomorrow at {time}", {time});
  return _("{day} at {time}", {day: (days < 7 ? weekday : day).format(at), time});
}

/**
 * A time as an element, which says the whole date when asked.
 * @param {number} at
 * @param {(at: number) => string} format
 */
export function timeElement(at, format) {
  const element = h("time", {datetime: new Date(at).toISOString(), title: whole.format(at)}, format(at));
  shown.set(element, {at, format});
  return element;
}

/** @type {WeakMap<Element, {at: number, format: (at: number) => string}>} */
const shown = new WeakMap();
/** @type {Listeners<[]>} */
const onDay = new Listeners();
let today = new Date().toDateString();

/** Call when another day has begun. @param {() => void} listener */
export function onNewDay(listener) {
  return onDay.add(listener);
}

function lookAtDay() {
  const now = new Date().toDateString();
  if (now === today) return;
  today = now;
  for (const element of document.querySelectorAll("time")) {
    const time = shown.get(element);
    if (time !== undefined) setText(element, time.format(time.at));
  }
  onDay.emit();
}

function waitForMidnight() {
  const now = new Date();
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  setTimeout(() => {
    lookAtDay();
    waitForMidnight();
  }, midnight.getTime() - now.getTime() + 50); // timers may be a little early
}

waitForMidnight();
document.addEventListener("visibilitychange", lookAtDay); // a computer that slept over midnight

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
}
