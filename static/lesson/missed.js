/**
 * What a student missed who was absent from a lesson: one line under the class's head, which opens the announcements,
 * pinned messages, results of polls and the way to the first unread message.
 *
 * It is asked for only where the student has not read up to the end of the last lesson.
 */

import {h, icon} from "../dom.js";
import {_, list, ngettext} from "../language.js";
import {later} from "../later.js";
import {page} from "../page.js";
import {dayName} from "../time.js";
import {strip} from "./strips.js";

const dialog = later(() => import("./missed_dialog.js"));

/**
 * @typedef {{event: string, payload: any}} Event
 * @typedef {{target: number, title: string, since: number, until: number, announcements: Event[], pinned: Event[],
 *            polls: {opened: Event, closed: Event}[], messages: number}} Lesson
 */

/** @param {import("../client/channel.js").Channel} channel @param {() => void} toUnread */
export function showMissed(channel, toUnread) {
  if (page.me.role !== "student") return;
  const line = strip("missed", 50);
  let isAsked = false;
  channel.onJoin(({state, read}) => {
    const last = state.last_lesson ?? null;
    if (isAsked || last === null || last.end <= read || last.target <= dismissed()) return;
    isAsked = true;
    channel.push("lesson:missed", {}).then(({lessons}) => show(lessons), () => (isAsked = false));
  });

  /** @param {Lesson[]} lessons */
  function show(lessons) {
    const unseen = lessons.filter(({target}) => target > dismissed());
    if (unseen.length === 0) return;
    const dismiss = () => {
      localStorage.setItem(key(), String(unseen[0].target));
      line.hide();
    };
    const days = list([...new Set(unseen.map(({since}) => dayName(since)))]);
    const words = ngettext("You missed a lesson: {when}", "You missed {n} lessons: {when}", unseen.length, {when: days});
    line.show(
      h("button", {class: "missed-open", type: "button", dir: "auto", onclick: () => void dialog.press(({openMissed}) => openMissed(unseen, toUnread))}, words),
      h("button", {class: "icon-button", type: "button", "aria-label": _("Close"), onclick: dismiss}, icon("close")),
    );
  }
}

/** The position of the newest lesson of which the line was closed. */
function dismissed() {
  return Number(localStorage.getItem(key()) ?? 0);
}

function key() {
  return `missed:${page.me.id}:${page.classroom.id}`;
}
