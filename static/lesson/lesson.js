/**
 * The lesson of the class: staff start it and end it from the lesson's menu, and the class's head says since when it runs.
 * From there everybody reaches the attendance: staff the class's, students their own.
 */

import {actions, closeDialog, pushAndClose, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {byId, isStaff, page} from "../page.js";
import {speak} from "../spoken.js";
import {clockTime} from "../time.js";
import {offer, offersChanged} from "./menu.js";

/** The server's (channels/limit.py). */
const MAX_TITLE = 200;

/** @typedef {{target: number, title: string, since: number}} Running */
/** @typedef {import("../client/channel.js").Channel} Channel */

/** @param {Channel} channel */
export function showLesson(channel) {
  /** @type {Running | null} */
  let running = null;
  const place = h("span", {class: "lesson-now", hidden: true});
  byId("class-teachers").before(place);

  /** @param {Running | null} lesson */
  const set = (lesson) => {
    running = lesson;
    place.hidden = lesson === null;
    if (lesson !== null) place.replaceChildren(h("span", {class: "lesson-words"}, words(lesson)), h("span", {class: "lesson-time", "aria-hidden": "true"}, shortWords(lesson)));
    offersChanged();
  };
  channel.onJoin(({state}) => set(state.lesson ?? null));
  channel.on("lesson:started", ({seq, title, at, author}) => {
    set({target: seq, title, since: at});
    if (author.id !== page.me.id) speak(_("The lesson has begun."));
  });
  channel.on("lesson:ended", () => {
    set(null);
    speak(_("The lesson has ended."));
  });

  const mayTeach = isStaff(page.me);
  offer({label: () => _("Start the lesson"), icon: "live", order: 0, isOffered: () => mayTeach && running === null, run: () => askToStart(channel)});
  offer({label: () => _("End the lesson"), icon: "leave", order: 0, isOffered: () => mayTeach && running !== null, run: () => askToEnd(channel, running)});
  offer({
    label: () => (mayTeach ? _("Attendance") : _("My attendance")),
    icon: "check",
    order: 60,
    isOffered: () => true,
    run: () => location.assign(attendance()),
  });
}

/** @param {Running} lesson */
function words({title, since}) {
  const time = clockTime(since);
  return title === "" ? _("Lesson since {time}", {time}) : _("Lesson since {time}: {title}", {time, title});
}

/** For a phone, beside the sign that a lesson runs. @param {Running} lesson */
function shortWords({title, since}) {
  return title === "" ? clockTime(since) : `${clockTime(since)} · ${title}`;
}

function attendance() {
  return `${page.home}classes/${page.classroom.id}/attendance`;
}

/** @param {Channel} channel */
function askToStart(channel) {
  const title = /** @type {HTMLInputElement} */ (h("input", {id: "lesson-title", maxlength: MAX_TITLE, autocomplete: "off"}));
  const start = () => void pushAndClose(channel, "lesson:start", {title: title.value});
  const form = h(
    "form",
    {
      class: "form",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        start();
      },
    },
    h("label", {for: "lesson-title"}, _("What is it about? (You may leave this empty.)")),
    title,
  );
  showDialog(_("Start the lesson"), [form, h("p", {class: "hint"}, _("Who is here is noted from now on until the lesson ends.")), actions(_("Start"), start)]);
}

/** @param {Channel} channel @param {Running | null} running */
function askToEnd(channel, running) {
  const end = async () => {
    await pushAndClose(channel, "lesson:end", {});
    if (running !== null && !isDialogOpen()) showEnded();
  };
  showDialog(_("End the lesson?"), [running === null ? null : h("p", {dir: "auto"}, words(running)), actions(_("End the lesson"), () => void end())]);
}

function isDialogOpen() {
  return document.querySelector("dialog[open]") !== null;
}

function showEnded() {
  const link = h("a", {class: "button", href: attendance()}, _("See the attendance"));
  const close = h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"));
  showDialog(_("The lesson has ended."), [h("p", {}, _("The attendance is kept.")), h("div", {class: "dialog-choices"}, link, close)]);
}
