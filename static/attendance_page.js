/** The page of a class's attendance: for staff lessons and students, for students their own lessons. */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {showCorrection} from "./attendance/correct.js";
import {address, ask, isStaffs, lessonItem, linesOf, replace, studentItem} from "./attendance/register.js";
import {shortDate} from "./attendance/words.js";
import {connect, socket} from "./connection.js";
import {closeMenus} from "./menu.js";
import {byId, page} from "./page.js";
import {classStaffTopic} from "./topic.js";

const DAY_MS = 86_400_000;
/** A lesson that runs is read anew so often. */
const RUNNING_MS = 15_000;

const {usual} = /** @type {any} */ (page);
const form = /** @type {HTMLFormElement} */ (byId("register-form"));
const staffChannel = isStaffs() ? socket.channel(classStaffTopic(page.classroom.id)) : null;
let view = "lessons";
/** @type {number | undefined} */
let timer;
/** How often something was asked: what was asked before is out of date. */
let asked = 0;

/** @param {number} at as a date field has it, on the reader's clock */
function dateValue(at) {
  const day = new Date(at);
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
}

/** @param {string} name */
function field(name) {
  return /** @type {HTMLInputElement | null} */ (form.elements.namedItem(name));
}

/** The beginning of a day that a field has. @param {string} name @param {number} later in days */
function dayOf(name, later) {
  const [year, month, day] = (field(name)?.value ?? "").split("-").map(Number);
  return new Date(year, month - 1, day + later).getTime();
}

/** What the form selects. @returns {Record<string, number>} */
function selection() {
  const from = dayOf("from", 0);
  const to = dayOf("to", 1);
  const late = field("late");
  const early = field("early");
  if (late === null || early === null) return {from, to};
  return {from, to, late: Number(late.value), early: Number(early.value)};
}

function begin() {
  const now = Date.now();
  const set = (/** @type {string} */ name, /** @type {string} */ value) => {
    const input = field(name);
    if (input === null) return;
    input.value = value;
    if (input.type === "number") input.max = String(usual.most);
  };
  set("from", dateValue(now - usual.days * DAY_MS));
  set("to", dateValue(now));
  set("late", String(usual.minutes));
  set("early", String(usual.minutes));
  byId("register-views").hidden = !isStaffs();
}

async function show() {
  window.clearTimeout(timer);
  const mine = (asked += 1);
  const selected = selection();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  byId("register-sheet").href = address("csv", {...selected, zone});
  byId("register-period").textContent = `${shortDate(selected.from)} – ${shortDate(selected.to - 1)}`;
  try {
    const found = await ask(selected);
    if (mine === asked) showFound(found, selected);
  } catch {
    if (mine === asked) showState("away");
  }
}

/** @param {{lessons: import("./attendance/register.js").Lesson[], students?: import("./attendance/register.js").Student[]}} found @param {Record<string, number>} selected */
function showFound({lessons, students = []}, selected) {
  showState(lessons.length === 0 ? "none" : "");
  if (!isStaffs()) return replace(linesOf(lessons, null));
  if (view === "lessons") replace(lessons.map((lesson) => lessonItem(lesson, async () => (await ask({...selected, lesson: lesson.target})).lessons[0], correct)));
  else replace(students.map((student) => studentItem(student, async () => (await ask({...selected, student: student.user.id})).lessons, correct)));
  if (lessons.some(({until}) => until === null)) timer = window.setTimeout(showIfSeen, RUNNING_MS);
}

function showIfSeen() {
  if (document.hidden) timer = window.setTimeout(showIfSeen, RUNNING_MS);
  else void show();
}

/** @param {"loading" | "none" | "away" | ""} state */
function showState(state) {
  for (const each of ["loading", "none", "away"]) byId(`register-${each}`).hidden = each !== state;
  if (state === "away" || state === "none") byId("register").replaceChildren();
}

/** @type {import("./attendance/register.js").Correct} */
function correct(line, lesson) {
  if (staffChannel !== null) showCorrection(staffChannel, line, lesson.target);
}

/** @param {HTMLElement} button */
function choose(button) {
  if (button.dataset.view === undefined) return;
  view = button.dataset.view;
  for (const each of byId("register-views").children) each.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  void show();
}

byId("register-views").addEventListener("click", (/** @type {Event} */ {target}) => choose(/** @type {HTMLElement} */ (target)));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  /** @type {HTMLDetailsElement} */ (form.closest("details")).open = false;
  void show();
});
byId("register-retry").addEventListener("click", () => show());
staffChannel?.on("attendance:corrected", () => show());
staffChannel?.join();
begin();
void show();
showAnnouncementBadge();
closeMenus();
connect();
