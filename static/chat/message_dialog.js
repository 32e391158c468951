/** What one may do with a message, in the dialog: react, edit and delete one's own, hide others' as staff. */

import {lengthOf, MAX_CHARACTERS} from "../counter.js";
import {actions, cancel, closeDialog, complain, pushAndClose, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {plainText} from "../text/parse.js";
import {mayReact, reactionChoices} from "./reactions.js";

/** The server's (channels/limit.py). */
const MAX_REASON = 200;

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("./message_menu.js").Choice} Choice */

/** The list of what one may do. @param {any} payload @param {Channel} channel @param {Choice[]} choices */
export function openMenu(payload, channel, choices) {
  const items = choices.map((each) => h("li", {}, item(each)));
  const reactions = payload.hidden === undefined && mayReact() ? reactionChoices(payload, channel) : null;
  showDialog(_("Message"), [quote(payload), reactions, h("ul", {class: "dialog-list"}, ...items), cancel()]);
}

/** @param {Choice} choice */
function item({label, icon: name = "more", run}) {
  /** What it runs may go on in the dialog. */
  const choose = () => {
    closeDialog();
    run();
  };
  return h("button", {class: "menu-item", type: "button", onclick: choose}, icon(name), label);
}

/** @param {any} payload @param {Channel} channel */
export function showEdit({seq, text}, channel) {
  const field = /** @type {HTMLTextAreaElement} */ (h("textarea", {rows: "4", dir: "auto", "aria-label": _("Your message")}));
  field.value = text;
  const save = () => {
    const length = lengthOf(field.value.trim());
    if (length === 0 || length > MAX_CHARACTERS) return complain(length === 0 ? _("Write something, or delete the message.") : _("This text is too long."));
    if (field.value.trim() === text) return closeDialog();
    void pushAndClose(channel, "message:edit", {target: seq, text: field.value.trim()});
  };
  showDialog(_("Edit the message"), [field, actions(_("Save"), save)]);
  field.focus();
}

/** @param {any} payload @param {Channel} channel @param {boolean} isOwn */
export function showHide(payload, channel, isOwn) {
  const field = /** @type {HTMLInputElement} */ (h("input", {type: "text", maxlength: MAX_REASON, dir: "auto", id: "hide-reason"}));
  const why = isOwn ? null : h("p", {}, h("label", {for: "hide-reason"}, _("Reason (the class sees it)")), field);
  const hide = () => void pushAndClose(channel, "message:hide", {target: payload.seq, ...(field.value.trim() && {reason: field.value.trim()})});
  const title = isOwn ? _("Delete this message?") : _("Hide this message?");
  showDialog(title, [quote(payload), why, actions(isOwn ? _("Delete") : _("Hide"), hide)]);
  if (!isOwn) field.focus();
}

/** @param {any} payload */
function quote({text, author}) {
  return h("blockquote", {class: "dialog-quote"}, h("strong", {}, h("bdi", {}, author.name), ": "), h("bdi", {}, plainText(text.slice(0, 200))));
}
