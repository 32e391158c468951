/**
 * The lesson of the class: staff start it and end it from the lesson's menu, and the class's head says since when it runs.
 * From there everybody reaches the attendance: staff the class's, students their own.
 */

import {h} from "../dom.js";
import {_} from "../language.js";
import {later} from "../later.js";
import {byId, isStaff, page} from "../page.js";
import {speak} from "../spoken.js";
import {clockTime} from "../time.js";
import {offer, offersChanged} from "./menu.js";

const dialogs = later(() => import("./lesson_dialogs.js"));

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
  offer({label: () => _("Start the lesson"), icon: "live", order: 0, isOffered: () => mayTeach && running === null, run: () => void dialogs.press(({askToStart}) => askToStart(channel))});
  offer({label: () => _("End the lesson"), icon: "leave", order: 0, isOffered: () => mayTeach && running !== null, run: () => void dialogs.press(({askToEnd}) => askToEnd(channel, running))});
  offer({
    label: () => (mayTeach ? _("Attendance") : _("My attendance")),
    icon: "check",
    order: 60,
    isOffered: () => true,
    run: () => location.assign(attendance()),
  });
}

/** Since when it runs, and what it is about. @param {Running} lesson */
export function words({title, since}) {
  const time = clockTime(since);
  return title === "" ? _("Lesson since {time}", {time}) : _("Lesson since {time}: {title}", {time, title});
}

/** For a phone, beside the sign that a lesson runs. @param {Running} lesson */
function shortWords({title, since}) {
  return title === "" ? clockTime(since) : `${clockTime(since)} · ${title}`;
}

/** Where the attendance is. */
export function attendance() {
  return `${page.home}classes/${page.classroom.id}/attendance`;
}
