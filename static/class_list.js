/**
 * The list of the user's classes, live: who spoke last, what is unread, and where a lesson is. Cards on one page, rows on
 * another.
 *
 * Classes with something unread come first, then those that have a lesson now, then the others, each in the order of their
 * titles. The order changes only while nobody is about to hit an item (`still.js`).
 */

import {wellFormed} from "./client/well_formed.js";
import {mine, onOnline} from "./connection.js";
import {h, setText} from "./dom.js";
import {_, list, ngettext, number} from "./language.js";
import {waitingSign} from "./lesson/waiting_sign.js";
import {isMentioned, onMention} from "./mentions.js";
import {atMostEvery} from "./throttle.js";
import {page} from "./page.js";
import {ANNOUNCEMENT, readingOf} from "./reading.js";
import {watchHold} from "./still.js";
import {plainText} from "./text/parse.js";
import {onNewDay, shortTime} from "./time.js";
import {classTopic, isClass, parseTopic} from "./topic.js";

/** @typedef {import("./page.js").Classroom} Classroom */

/** Who gives lessons: a class is taught while one of them has it open, or a lesson runs. A principal who looks in gives none. */
const TEACHER = "teacher";
/** What stands between a grade and a subject: "6º A · Ciências". */
const SEPARATOR = /\s+[·•|–-]\s+/;
/** The open class is read beside its item, which need not follow each message of a lively lesson. */
const CALM_MS = 1000;
/** What fits on the little board. */
const MARK_LENGTH = 6;
/** More than a line of the widest list shows. */
const PREVIEW_LENGTH = 200;

/**
 * Split a title into what goes on the little board and the rest; a title that cannot be split stands whole beside it.
 * @param {string} title
 */
export function splitTitle(title) {
  const [first, ...rest] = title.split(SEPARATOR);
  if (rest.length > 0 && first.length <= MARK_LENGTH) return {mark: first, before: title.slice(0, title.indexOf(rest[0])), name: title.slice(title.indexOf(rest[0]))};
  return {mark: Array.from(title.replace(/\s+/g, "")).slice(0, 3).join(""), before: "", name: title};
}

/**
 * Show the classes in a list, and keep it up to date, also when the user's classes change.
 * @param {HTMLElement} container
 * @param {{current?: number, onChange?: (ids: number[]) => void}} options
 */
export function showClasses(container, {current, onChange = () => {}} = {}) {
  /** @type {Map<number, Item>} in the order of their titles */
  const items = new Map();
  const isHeld = watchHold(container, arrange);

  /** @param {Classroom} classroom */
  function add(classroom) {
    const item = makeItem(classroom, classroom.id === current, arrange);
    items.set(classroom.id, item);
    container.append(item.element);
  }

  function arrange() {
    if (isHeld()) return;
    const ranked = [...items.values()].map(({element, rank}) => ({element, rank: rank()}));
    const sorted = ranked.sort((one, other) => one.rank - other.rank).map(({element}) => element);
    const isSorted = sorted.every((element, index) => container.children[index] === element);
    if (!isSorted) container.append(...sorted);
  }

  /** @param {{topic: string, title: string, students?: number, ended?: boolean}[]} topics */
  function sync(topics) {
    const now = topics.filter(({topic}) => isClass(topic)).map(asClassroom);
    const ids = new Set(now.map(({id}) => id));
    for (const [id, item] of items) {
      if (ids.has(id)) continue;
      item.element.remove();
      items.delete(id);
    }
    for (const classroom of now) if (!items.has(classroom.id)) add(classroom);
    arrange();
    onChange([...items.keys()]);
  }

  page.classes.forEach(add);
  onOnline((isOnline) => container.classList.toggle("is-offline", !isOnline));
  onChange([...items.keys()]);
  mine.onJoin(({response}) => response.topics && sync(response.topics));
  mine.on("rights:changed", ({topics}) => sync(topics));
}

/** @param {{topic: string, title: string, students?: number, ended?: boolean}} topic @returns {Classroom} */
function asClassroom({topic, title, students, ended}) {
  return {id: Number(parseTopic(topic).id), title, students, ended};
}

/**
 * `rank` says how much it matters now: the least comes first.
 * @typedef {{element: HTMLElement, rank: () => number}} Item
 * @param {Classroom} classroom
 * @param {boolean} isCurrent
 * @param {() => void} changed is called when its rank may be another
 * @returns {Item}
 */
function makeItem({id, title, teachers = [], students, ended = false}, isCurrent, changed) {
  const at = h("span", {class: "class-at"});
  const unread = h("span", {class: "class-unread"});
  const preview = h("span", {class: "class-preview"});
  const lesson = h("span", {class: "class-lesson", hidden: true}, _("Lesson now"));
  const {mark, before, name} = splitTitle(title);
  const link = h(
    "a",
    {class: "class-link", href: `${page.home}classes/${id}`, "aria-current": isCurrent ? "page" : null},
    h("span", {class: "class-mark", "aria-hidden": "true"}, mark),
    h("span", {class: "class-name", dir: "auto"}, before && h("span", {class: "visually-hidden"}, before), name),
    at,
    h("span", {class: "class-teachers"}, lesson, ended ? _("Has ended") : teacherLine(teachers, students)),
    h("span", {class: "class-signs"}, waitingSign(id), unread),
    preview,
  );
  const reading = readingOf(classTopic(id));
  const show = () => {
    showReading(reading, {link, at, unread, preview});
    changed();
  };
  /** @param {boolean} isNow */
  const showLesson = (isNow) => {
    if (lesson.hidden === !isNow) return;
    lesson.hidden = !isNow;
    link.classList.toggle("is-taught", isNow);
    changed();
  };
  const {presence} = reading.channel;
  let isTaught = false;
  let isRunning = false;
  /** @param {boolean} isThere */
  const showTeacher = (isThere) => {
    isTaught = isThere;
    showLesson(isTaught || isRunning);
  };
  /** @param {boolean} isStarted */
  const showStarted = (isStarted) => {
    isRunning = isStarted;
    showLesson(isTaught || isRunning);
  };
  presence.onChange((users) => showTeacher(users.some(({role}) => role === TEACHER)));
  presence.onCount(({users}) => showTeacher((users[TEACHER] ?? 0) > 0));
  reading.channel.onJoin(({state}) => showStarted((state.lesson ?? null) !== null));
  reading.channel.on("lesson:started", () => showStarted(true));
  reading.channel.on("lesson:ended", () => showStarted(false));
  reading.onChange(isCurrent ? atMostEvery(CALM_MS, show) : show);
  onMention(show);
  onNewDay(show);
  showReading(reading, {link, at, unread, preview});
  // What is unread in the open class is about to be read.
  const rank = () => (ended ? 4 : 0) + (reading.unread > 0 && !isCurrent ? 0 : 2) + (lesson.hidden ? 1 : 0);
  return {element: h("li", {}, link), rank};
}

/** @param {string[]} teachers @param {number | undefined} students */
function teacherLine(teachers, students) {
  if (teachers.length > 0) return list(teachers);
  return students === undefined ? "" : ngettext("{n} student", "{n} students", students);
}

/**
 * @param {import("./reading.js").Reading} reading
 * @param {Record<"link" | "at" | "unread" | "preview", HTMLElement>} parts
 */
function showReading(reading, {link, at, unread, preview}) {
  const {last, isKnown} = reading;
  const count = reading.unread;
  const sign = number(count) + (reading.hasMoreUnread ? "+" : "");
  setText(at, last === undefined ? "" : shortTime(last.payload.at));
  fill(preview, last === undefined ? String(isKnown) : versionOf(last.payload), () => previewOf(reading));
  link.classList.toggle("is-unread", count > 0);
  const isMeant = isMentioned(reading);
  fill(unread, `${isMeant ? "@" : ""}${count > 0 ? sign : ""}`, () => [isMeant && mentionSign(), count > 0 && unreadSign(count, sign)].filter((part) => part !== false));
}

/** Which message this is, and as it is since which change. @param {any} payload */
function versionOf({seq, edited, hidden: removed}) {
  return `${seq} ${edited ?? ""} ${removed === undefined ? "" : "hidden"}`;
}

/** Fill an element, unless it shows this already. @param {HTMLElement} element @param {string} what @param {() => (Node | string)[]} make */
function fill(element, what, make) {
  if (element.dataset.shows === what) return;
  element.dataset.shows = what;
  element.replaceChildren(...make());
}

/** @param {number} count @param {string} sign */
function unreadSign(count, sign) {
  const words = ngettext("{n} unread message", "{n} unread messages", count);
  return h("span", {class: "count", title: words}, sign, hidden(words));
}

function mentionSign() {
  const words = _("You are mentioned");
  return h("span", {class: "count mention-sign", title: words}, h("span", {"aria-hidden": "true"}, "@"), hidden(words));
}

/** @param {string} words */
function hidden(words) {
  return h("span", {class: "visually-hidden"}, ` ${words}`);
}

/** @param {import("./reading.js").Reading} reading */
function previewOf({last, isKnown}) {
  if (last === undefined) return [isKnown ? _("Nothing was said here yet.") : "…"];
  const {author, text, title, hidden: removed} = last.payload;
  const name = author.id === page.me.id ? _("You") : author.name.split(" ")[0];
  const shown = removed === undefined ? title || text : _("This message was deleted.");
  const words = wellFormed(plainText(shown.slice(0, PREVIEW_LENGTH)));
  const said = last.event === ANNOUNCEMENT ? `${_("Announcement")} · ${words}` : words;
  return [h("strong", {}, h("bdi", {}, name), ": "), h("bdi", {}, said.replace(/\s+/g, " "))];
}
