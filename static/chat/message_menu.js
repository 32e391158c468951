/**
 * What one may do with a message: edit and delete one's own, hide others' as staff, show again what was hidden.
 *
 * Each row that offers something has a button. From an empty composer the arrow up leads to the newest of these buttons,
 * and the arrows from one to the next, so that they are no stops on the way by Tab.
 */

import {lengthOf, MAX_CHARACTERS} from "../counter.js";
import {actions, cancel, choice, closeDialog, complain, pushAndClose, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {byId, isStaff, page} from "../page.js";

/** As long as the server takes an edit (channels/lesson/amending.py). */
const EDIT_MS = 5 * 60_000;
/** The server's (channels/limit.py). */
const MAX_REASON = 200;

/** @typedef {import("../client/channel.js").Channel} Channel */

/** The button of a message's row; null where the user may do nothing with it. @param {any} payload @param {Channel} channel */
export function menuButton(payload, channel) {
  if (payload.seq === undefined || choicesOf(payload, channel).length === 0) return null;
  const open = () => openMenu(payload, channel);
  return h("button", {class: "row-menu", type: "button", tabindex: "-1", "aria-haspopup": "dialog", "aria-label": _("What to do with this message"), onclick: open}, icon("more"));
}

/** Let the arrow keys reach the buttons. @param {HTMLTextAreaElement} text the composer's field */
export function startMessageMenus(text) {
  const buttons = () => /** @type {HTMLElement[]} */ ([...byId("messages").querySelectorAll(".row-menu")]);
  text.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" || text.value !== "") return;
    event.preventDefault();
    buttons().at(-1)?.focus();
  });
  byId("messages").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const found = buttons();
    const index = found.indexOf(/** @type {HTMLElement} */ (event.target));
    const step = {ArrowUp: -1, ArrowDown: 1, Escape: found.length}[event.key];
    if (index < 0 || step === undefined) return;
    event.preventDefault();
    (found[Math.max(0, index + step)] ?? text).focus();
  });
}

/** @typedef {{label: string, run: () => void}} Choice */
/** @typedef {(payload: any, channel: Channel) => Choice[]} Offering what one may do with a message */

/** @type {Offering[]} */
const offerings = [amending];

/** Offer more for each message. @param {Offering} offering */
export function offerForMessages(offering) {
  offerings.push(offering);
}

/** @param {any} payload @param {Channel} channel */
function choicesOf(payload, channel) {
  return offerings.flatMap((offering) => offering(payload, channel));
}

/** @type {Offering} */
function amending(payload, channel) {
  const {author, hidden, at} = payload;
  const isOwn = author.id === page.me.id;
  if (hidden !== undefined) {
    const may = hidden.by.id === page.me.id || page.topics.all_classes;
    return may ? [{label: _("Show again"), run: () => void pushAndClose(channel, "message:restore", {target: payload.seq})}] : [];
  }
  const edit = {label: _("Edit"), run: () => showEdit(payload, channel)};
  const hide = {label: isOwn ? _("Delete") : _("Hide"), run: () => showHide(payload, channel, isOwn)};
  if (isOwn) return Date.now() - at < EDIT_MS ? [edit, hide] : [hide];
  return isStaff(page.me) ? [hide] : [];
}

/** @param {any} payload @param {Channel} channel */
function openMenu(payload, channel) {
  const choices = choicesOf(payload, channel);
  if (choices.length === 1) return choices[0].run();
  const buttons = choices.map(({label, run}) => choice(label, run));
  showDialog(_("Message"), [quote(payload), h("div", {class: "dialog-choices"}, ...buttons, cancel())]);
}

/** @param {any} payload @param {Channel} channel */
function showEdit({seq, text}, channel) {
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
function showHide(payload, channel, isOwn) {
  const field = /** @type {HTMLInputElement} */ (h("input", {type: "text", maxlength: MAX_REASON, dir: "auto", id: "hide-reason"}));
  const why = isOwn ? null : h("p", {}, h("label", {for: "hide-reason"}, _("Reason (the class sees it)")), field);
  const hide = () => void pushAndClose(channel, "message:hide", {target: payload.seq, ...(field.value.trim() && {reason: field.value.trim()})});
  const title = isOwn ? _("Delete this message?") : _("Hide this message?");
  showDialog(title, [quote(payload), why, actions(isOwn ? _("Delete") : _("Hide"), hide)]);
  if (!isOwn) field.focus();
}

/** @param {any} payload */
function quote({text, author}) {
  return h("blockquote", {class: "dialog-quote"}, h("strong", {}, h("bdi", {}, author.name), ": "), h("bdi", {}, text.slice(0, 200)));
}
