/**
 * The register of a class on its page: lessons or students, with their sums; each opens to its lines, which are read then.
 * What changes (a correction, a lesson that runs) is read anew, without closing what is open.
 */

import {h, icon} from "../dom.js";
import {_, number} from "../language.js";
import {byId, page} from "../page.js";
import {dayName} from "../time.js";
import {markSign, minutes, span, sumWords} from "./words.js";

/**
 * @typedef {{id: number, name: string}} Person
 * @typedef {{mark: string, note: string, by: Person, at: number}} Correction
 * @typedef {{user: Person, mark: string, measured: string, minutes: number, came: number | null, left: number | null,
 *            is_here: boolean, is_cut: boolean, is_corrected: boolean, corrections: Correction[]}} Line
 * @typedef {{marks: Record<string, number>, present: number, expected: number}} Sums
 * @typedef {Sums & {target: number, title: string, author: Person, since: number, until: number | null, lines?: Line[]}} Lesson
 * @typedef {Sums & {user: Person, minutes: number}} Student
 * @typedef {(line: Line, lesson: Lesson) => void} Correct
 */

/** The address of something of the register. @param {"json" | "csv"} kind @param {Record<string, string | number>} asked */
export function address(kind, asked) {
  return `${location.pathname}.${kind}?${new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]))}`;
}

/** @param {Record<string, string | number>} asked @returns {Promise<{lessons: Lesson[], students?: Student[]}>} */
export async function ask(asked) {
  const answer = await fetch(address("json", asked));
  if (!answer.ok || answer.redirected) throw new Error(`the register was not read: ${answer.status}`);
  return answer.json();
}

/** A lesson that opens to its students. @param {Lesson} lesson @param {() => Promise<Lesson>} read @param {Correct | null} correct */
export function lessonItem(lesson, read, correct) {
  const {target, title, author, since, until, present, expected, marks} = lesson;
  const about = [title, span(since, until), author.name].filter((part) => part !== "").join(" · ");
  const more = until === null ? _("runs now") : sumWords(marks);
  return item(`lesson-${target}`, dayName(since), about, sums(present, expected), more, until === null, async () => {
    const {lines = []} = await read();
    return [...lines.map((line) => lineItem(line.user.name, line, correct && (() => correct(line, lesson)))), transcriptItem(lesson)];
  });
}

/** What was said in a lesson, for a spreadsheet. @param {Lesson} lesson */
function transcriptItem({since, until}) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const times = until === null ? {from: since} : {from: since, to: until + 1}; // with the event that ends it
  const asked = new URLSearchParams(Object.entries({...times, zone}).map(([name, value]) => [name, String(value)]));
  const href = `${page.home}classes/${page.classroom.id}/transcript.csv?${asked}`;
  return h("li", {class: "register-line"}, h("a", {href, download: true}, _("Transcript of this lesson (CSV)")));
}

/** A student who opens to their lessons. @param {Student} student @param {() => Promise<Lesson[]>} read @param {Correct | null} correct */
export function studentItem(student, read, correct) {
  const {user, present, expected, marks} = student;
  const about = [sumWords(marks), student.minutes > 0 ? minutes(student.minutes) : ""].filter((part) => part !== "").join(" · ");
  return item(`student-${user.id}`, user.name, about, sums(present, expected), "", false, async () => linesOf(await read(), correct));
}

/** One student's lines, one for each lesson. @param {Lesson[]} lessons @param {Correct | null} correct */
export function linesOf(lessons, correct) {
  return lessons.flatMap((lesson) => {
    const what = [dayName(lesson.since), span(lesson.since, lesson.until), lesson.title].filter((part) => part !== "").join(" · ");
    return (lesson.lines ?? []).map((line) => lineItem(what, line, correct && (() => correct(line, lesson))));
  });
}

/** @param {number} present @param {number} expected */
function sums(present, expected) {
  return h("span", {class: "register-count"}, `${number(present)}/${number(expected)}`, h("small", {}, _("attended")));
}

/**
 * @param {string} key @param {string} name @param {string} about @param {Node} count @param {string} more @param {boolean} isRunning
 * @param {() => Promise<Node[]>} read
 */
function item(key, name, about, count, more, isRunning, read) {
  const lines = h("ul", {class: "register-lines"});
  const details = /** @type {HTMLDetailsElement} */ (
    h(
      "details",
      {class: `register-item ${isRunning ? "is-running" : ""}`, "data-key": key},
      h(
        "summary",
        {},
        h("span", {class: "register-name", dir: "auto"}, name),
        h("span", {class: "register-more", dir: "auto"}, [about, more].filter((part) => part !== "").join(" · ")),
        count,
      ),
      lines,
    )
  );
  const show = async () => {
    try {
      lines.replaceChildren(...(await read()));
    } catch {
      lines.replaceChildren(h("li", {class: "register-line"}, _("The attendance could not be read.")));
    }
  };
  details.addEventListener("toggle", () => {
    if (details.open) void show();
  });
  return h("li", {}, details);
}

/** @param {string} name @param {Line} line @param {(() => void) | null} correct */
function lineItem(name, line, correct) {
  const button =
    correct &&
    h("button", {class: "icon-button", type: "button", title: _("Correct"), "aria-label": _("Correct: {name}", {name}), onclick: correct}, icon("more"));
  return h(
    "li",
    {class: "register-line"},
    h("span", {dir: "auto"}, name),
    markSign(line.mark),
    button,
    h("span", {class: "register-more"}, lineWords(line)),
  );
}

/** @param {Line} line */
function lineWords(line) {
  const times = line.came === null ? "" : `${span(line.came, line.is_here ? null : line.left)} · ${minutes(line.minutes)}`;
  const [newest] = line.corrections;
  const byHand = newest !== undefined ? _("by {name}", {name: newest.by.name}) : line.is_corrected && _("corrected by hand");
  return [
    times,
    line.is_here && _("here now"),
    line.is_cut && _("the server stopped; up to 10 seconds may be missing"),
    byHand,
    newest?.note,
  ]
    .filter((part) => part !== "" && part !== false && part !== undefined)
    .join(" · ");
}

/** Keep open what is open. @param {Node[]} items */
export function replace(items) {
  const open = new Set([...document.querySelectorAll("details.register-item[open]")].map((each) => /** @type {HTMLElement} */ (each).dataset.key));
  byId("register").replaceChildren(...items);
  for (const each of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.register-item"))) {
    if (open.has(each.dataset.key)) each.open = true;
  }
}

/** Whether the user corrects. */
export function isStaffs() {
  return page.staff.includes(page.me.role);
}
