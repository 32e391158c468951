/**
 * The hours in which students write: choices, and for the times of the week a row for each day. A row can be left out, and
 * a day that the server has several times for has as many rows.
 *
 *     const form = hoursForm(hours, [{mode: "always", label: …}, …]);   form.element   form.read() -> {mode, spans}
 */

import {h} from "./dom.js";
import {_, language} from "./language.js";

/** @typedef {import("./lesson/restrictions.js").Hours} Hours */
/** @typedef {{day: number, opens: string, closes: string}} Span */
/** @typedef {"always" | "lesson" | "hours" | "school"} Choice */

/** What a school day may be, for who begins to fill it in. */
const USUAL = {opens: "07:00", closes: "18:00"};
const LAST_SCHOOL_DAY = 5;

/** The name of a day, 1 being Monday; the first of January 2024 was one. @param {number} day */
export function dayOfWeek(day) {
  return new Intl.DateTimeFormat(language, {weekday: "long", timeZone: "UTC"}).format(Date.UTC(2024, 0, day));
}

/**
 * @param {{mode: Choice, spans: Span[]}} hours what is chosen now
 * @param {{mode: Choice, label: string}[]} choices
 */
export function hoursForm(hours, choices) {
  const rows = rowsOf(hours).map(row);
  const times = h("ul", {class: "hours-times"}, ...rows.map(({element}) => element));
  const chosen = () => /** @type {Choice} */ (radios.find(({checked}) => checked)?.value);
  const show = () => (times.hidden = chosen() !== "hours");
  /** @type {HTMLInputElement[]} */
  const radios = [];
  const options = choices.map(({mode, label}) => {
    const radio = /** @type {HTMLInputElement} */ (h("input", {type: "radio", name: "mode", value: mode, onchange: show}));
    radio.checked = mode === hours.mode;
    radios.push(radio);
    return h("label", {class: "hours-choice"}, radio, h("span", {}, label));
  });
  show();
  return {
    element: h("fieldset", {class: "hours-form"}, h("legend", {class: "visually-hidden"}, _("When students can write")), ...options, times),
    /** What is chosen; null where a time is missing or a day closes before it opens. @returns {{mode: Choice, spans: Span[]} | null} */
    read() {
      const mode = chosen();
      if (mode !== "hours") return {mode, spans: []};
      const spans = rows.map(({read}) => read()).filter((span) => span !== null);
      const isRight = spans.length > 0 && spans.every(({opens, closes}) => opens !== "" && closes !== "" && opens < closes);
      return isRight ? {mode, spans} : null;
    },
  };
}

/** @param {{mode: Choice, spans: Span[]}} hours @returns {(Span & {isOpen: boolean})[]} */
function rowsOf({spans}) {
  return [1, 2, 3, 4, 5, 6, 7].flatMap((day) => {
    const own = spans.filter((span) => span.day === day).map((span) => ({...span, isOpen: true}));
    return own.length > 0 ? own : [{day, ...USUAL, isOpen: spans.length === 0 && day <= LAST_SCHOOL_DAY}];
  });
}

/** @param {Span & {isOpen: boolean}} span */
function row({day, opens, closes, isOpen}) {
  const name = dayOfWeek(day);
  const open = /** @type {HTMLInputElement} */ (h("input", {type: "checkbox"}));
  open.checked = isOpen;
  const from = time(_("{day}, from", {day: name}), opens);
  const to = time(_("{day}, to", {day: name}), closes === "24:00" ? "23:59" : closes);
  const follow = () => [from, to].forEach((field) => (field.disabled = !open.checked));
  open.addEventListener("change", follow);
  follow();
  return {
    element: h("li", {}, h("label", {class: "hours-day"}, open, h("span", {}, name)), from, h("span", {"aria-hidden": "true"}, "–"), to),
    read: () => (open.checked ? {day, opens: from.value, closes: to.value === "23:59" ? "24:00" : to.value} : null),
  };
}

/** @param {string} label @param {string} value */
function time(label, value) {
  const field = /** @type {HTMLInputElement} */ (h("input", {type: "time", "aria-label": label, required: true}));
  field.value = value;
  return field;
}
