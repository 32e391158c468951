/** What an author may do with an announcement that was made: correct it, withdraw it. A principal withdraws anybody's. */

import {lengthOf, MAX_CHARACTERS} from "../counter.js";
import {actions, cancel, choice, closeDialog, complain, pushAndClose, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";

/** @typedef {import("../client/channel.js").Channel} Channel */

/** The button of a card; null where the user may do nothing with it. @param {Channel} channel @param {any} announcement */
export function changeButton(channel, announcement) {
  const isOwn = announcement.author.id === page.me.id;
  if (announcement.withdrawn !== undefined || !(isOwn || page.topics.all_classes)) return null;
  const open = () => (isOwn ? showChoices(channel, announcement) : showWithdraw(channel, announcement));
  return h("button", {class: "card-menu", type: "button", "aria-haspopup": "dialog", "aria-label": _("What to do with this announcement"), onclick: open}, icon("more"));
}

/** @param {Channel} channel @param {any} announcement */
function showChoices(channel, announcement) {
  const correct = choice(_("Correct"), () => showCorrect(channel, announcement));
  const withdraw = choice(_("Withdraw"), () => showWithdraw(channel, announcement));
  showDialog(_("Your announcement"), [h("div", {class: "dialog-choices"}, correct, withdraw, cancel())]);
}

/** @param {Channel} channel @param {any} announcement */
function showCorrect(channel, announcement) {
  const title = /** @type {HTMLInputElement} */ (h("input", {type: "text", maxlength: "200", dir: "auto", id: "correct-title"}));
  const text = /** @type {HTMLTextAreaElement} */ (h("textarea", {rows: "5", dir: "auto", id: "correct-text"}));
  title.value = announcement.title;
  text.value = announcement.text;
  const save = () => {
    const length = lengthOf(text.value.trim());
    if (length === 0 || length > MAX_CHARACTERS) return complain(length === 0 ? _("Write something, or withdraw the announcement.") : _("This text is too long."));
    if (text.value.trim() === announcement.text && title.value.trim() === announcement.title) return closeDialog();
    void pushAndClose(channel, "announcement:correct", {target: announcement.seq, title: title.value.trim(), text: text.value.trim()});
  };
  showDialog(_("Correct the announcement"), [
    h("p", {}, h("label", {for: "correct-title"}, _("Title")), title),
    h("p", {}, h("label", {for: "correct-text"}, _("Announcement")), text),
    h("p", {class: "muted"}, _("Readers see that it was corrected.")),
    actions(_("Correct"), save),
  ]);
  text.focus();
}

/** @param {Channel} channel @param {any} announcement */
function showWithdraw(channel, {seq}) {
  const words = h("p", {}, _("Its words disappear everywhere. Readers see that there was an announcement and that it was withdrawn."));
  const withdraw = () => pushAndClose(channel, "announcement:withdraw", {target: seq});
  showDialog(_("Withdraw this announcement?"), [words, actions(_("Withdraw"), withdraw)]);
}
