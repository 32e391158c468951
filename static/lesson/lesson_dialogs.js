/** The questions with which staff start and end a lesson. */

import {actions, closeDialog, pushAndClose, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {attendance, words} from "./lesson.js";

/** The server's (channels/limit.py). */
const MAX_TITLE = 200;

/** @typedef {import("./lesson.js").Running} Running */
/** @typedef {import("../client/channel.js").Channel} Channel */

/** @param {Channel} channel */
export function askToStart(channel) {
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
  showDialog(_("Start the lesson"), [form, h("p", {class: "hint"}, _("From now until the lesson ends, it is recorded who is here.")), actions(_("Start"), start)]);
}

/** @param {Channel} channel @param {Running | null} running */
export function askToEnd(channel, running) {
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
