/** What the register says in words: marks, times, sums. */

import {h} from "../dom.js";
import {_, language, ngettext} from "../language.js";
import {clockTime} from "../time.js";

const days = new Intl.DateTimeFormat(language, {dateStyle: "short"});

/** In the order of choice. */
export const MARKS = ["present", "late", "left_early", "late_and_left_early", "absent", "excused"];

/** @param {string} mark */
export function markWord(mark) {
  const words = {
    present: _("present"),
    late: _("late"),
    left_early: _("left early"),
    late_and_left_early: _("late, left early"),
    absent: _("absent"),
    excused: _("excused"),
  };
  return words[/** @type {keyof typeof words} */ (mark)] ?? mark;
}

/** @param {string} mark */
export function markSign(mark) {
  return h("span", {class: `register-mark mark-${mark}`}, markWord(mark));
}

/** What is to be said of the sums beside how many were there. @param {Record<string, number>} marks */
export function sumWords(marks) {
  const {late = 0, left_early: early = 0, late_and_left_early: both = 0, absent = 0, excused = 0} = marks;
  return [
    late + both > 0 && ngettext("{n} late", "{n} late", late + both),
    early + both > 0 && ngettext("{n} left early", "{n} left early", early + both),
    absent > 0 && ngettext("{n} absent", "{n} absent", absent),
    excused > 0 && ngettext("{n} excused", "{n} excused", excused),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {number} at */
export function shortDate(at) {
  return days.format(at);
}

/** @param {number} count */
export function minutes(count) {
  return ngettext("{n} minute", "{n} minutes", count);
}

/** From when until when. @param {number} since @param {number | null} until */
export function span(since, until) {
  return until === null ? _("since {time}", {time: clockTime(since)}) : `${clockTime(since)} – ${clockTime(until)}`;
}
