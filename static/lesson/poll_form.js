/** The dialog in which staff asks a question with options of its own. */

import {actions, complain, pushAndClose, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_, number} from "../language.js";

/** The server's (channels/limit.py). */
const MAX_QUESTION = 500;
const MAX_OPTION = 200;
const MAX_OPTIONS = 8;
const FIRST_OPTIONS = 3;

/** @typedef {import("../client/channel.js").Channel} Channel */

/** @param {Channel} channel */
export function askPoll(channel) {
  const question = /** @type {HTMLTextAreaElement} */ (h("textarea", {rows: "2", dir: "auto", id: "poll-question", maxlength: MAX_QUESTION}));
  const options = h("div", {class: "poll-fields"});
  const more = h("button", {class: "quiet-button", type: "button", onclick: () => addOption(options, more).focus()}, _("Add an option"));
  for (let count = 0; count < FIRST_OPTIONS; count += 1) addOption(options, more);
  const anonymous = checkbox(_("Anonymous: nobody sees who votes what"));
  const changeable = checkbox(_("Votes can be changed"));
  const open = () => openPoll(channel, question.value, textsOf(options), {anonymous: anonymous.box.checked, changeable: changeable.box.checked});
  showDialog(_("New poll"), [
    h("label", {for: "poll-question"}, _("Question")),
    question,
    h("fieldset", {class: "poll-fieldset"}, h("legend", {}, _("Options")), h("p", {class: "hint"}, _("Without options it is yes or no.")), options, more),
    anonymous.label,
    changeable.label,
    actions(_("Open the poll"), open),
  ]);
  question.focus();
}

/** @param {HTMLElement} options @param {HTMLElement} more */
function addOption(options, more) {
  const name = _("Option {n}", {n: number(options.children.length + 1)});
  const field = h("input", {type: "text", dir: "auto", maxlength: MAX_OPTION, "aria-label": name, placeholder: name});
  options.append(field);
  more.hidden = options.children.length >= MAX_OPTIONS;
  return field;
}

/** @param {string} label */
function checkbox(label) {
  const box = /** @type {HTMLInputElement} */ (h("input", {type: "checkbox"}));
  return {box, label: h("label", {class: "poll-check"}, box, label)};
}

/** @param {HTMLElement} options */
function textsOf(options) {
  const fields = /** @type {HTMLInputElement[]} */ ([...options.children]);
  return fields.map(({value}) => value.trim()).filter((text) => text !== "");
}

/** @param {Channel} channel @param {string} question @param {string[]} options @param {{anonymous: boolean, changeable: boolean}} how */
function openPoll(channel, question, options, how) {
  if (options.length === 1) return complain(_("Write a second option, or none for yes or no."));
  if (new Set(options).size < options.length) return complain(_("Two options are the same."));
  if (options.length > 0 && question.trim() === "") return complain(_("Write the question."));
  void pushAndClose(channel, "poll:open", {question: question.trim(), options: options.length > 0 ? options : "yes/no", ...how});
}
