/** What a student missed, lesson by lesson. */

import {closeDialog, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_, ngettext} from "../language.js";
import {plainText} from "../text/parse.js";
import {clockTime, dayName} from "../time.js";
import {questionOf, resultWords} from "./poll_state.js";

/** Long enough to know what it is about. */
const SHOWN_CHARACTERS = 300;

/** @typedef {import("./missed.js").Lesson} Lesson */

/** @param {Lesson[]} lessons @param {() => void} toUnread */
export function openMissed(lessons, toUnread) {
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
