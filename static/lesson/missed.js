/**
 * What a student missed who was absent from a lesson: one line under the class's head, which opens the announcements,
 * pinned messages, results of polls and the way to the first unread message.
 *
 * It is asked for only where the student has not read up to the end of the last lesson.
 */

import {closeDialog, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_, list, ngettext} from "../language.js";
import {page} from "../page.js";
import {plainText} from "../text/parse.js";
import {clockTime, dayName} from "../time.js";
import {questionOf, resultWords} from "./poll_state.js";
import {strip} from "./strips.js";

/** Long enough to know what it is about. */
const SHOWN_CHARACTERS = 300;

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
      h("button", {class: "missed-open", type: "button", dir: "auto", onclick: () => open(unseen, toUnread)}, words),
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

/** @param {Lesson[]} lessons @param {() => void} toUnread */
function open(lessons, toUnread) {
  const go = () => {
    closeDialog();
    toUnread();
  };
  showDialog(_("What you missed"), [
    h("div", {class: "missed"}, ...lessons.map(section)),
    h(
      "div",
      {class: "dialog-choices"},
      h("button", {class: "button", type: "button", onclick: go}, _("Go to the first unread message")),
      h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close")),
    ),
  ]);
}

/** @param {Lesson} lesson */
function section({title, since, until, announcements, pinned, polls, messages}) {
  const when = `${dayName(since)}, ${clockTime(since)} – ${clockTime(until)}`;
  return h(
    "section",
    {},
    h("h3", {dir: "auto"}, title === "" ? when : `${when} · ${title}`),
    group(_("Announcements"), announcements.map(({payload}) => said(payload.title || payload.text, payload.author.name))),
    group(_("Pinned messages"), pinned.filter(({payload}) => payload.text !== "").map(({payload}) => said(payload.text, payload.author.name))),
    group(_("Polls"), polls.map(({opened, closed}) => result(opened.payload, closed.payload))),
    h("p", {class: "muted"}, messages === 0 ? _("Nobody wrote messages.") : ngettext("{n} message", "{n} messages", messages)),
  );
}

/** @param {string} name @param {Node[]} items */
function group(name, items) {
  return items.length === 0 ? null : h("div", {}, h("h4", {}, name), h("ul", {}, ...items));
}

/** @param {string} text @param {string} author */
function said(text, author) {
  return h("li", {}, h("strong", {}, h("bdi", {}, author), ": "), h("bdi", {}, plainText(text).slice(0, SHOWN_CHARACTERS)));
}

/** @param {any} poll @param {any} closed */
function result(poll, {tally}) {
  return h("li", {dir: "auto"}, h("strong", {}, questionOf(poll)), ` ${resultWords(poll, tally)}`);
}
