/**
 * What one may do with a message: react, edit and delete one's own, hide others' as staff, show again what was hidden, and
 * what other modules offer.
 *
 * Each row that offers something has a button. From an empty composer the arrow up leads to the newest of these buttons, the
 * arrows up and down from one to the next, and those to the sides to what else is in the row, so that none of it is a stop
 * on the way by Tab.
 */

import {lengthOf, MAX_CHARACTERS} from "../counter.js";
import {actions, cancel, closeDialog, complain, pushAndClose, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {byId, isStaff, page} from "../page.js";
import {plainText} from "../text/parse.js";
import {reactionChoices} from "./reactions.js";

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
    const row = /** @type {HTMLElement} */ (event.target).closest(".row");
    const parts = /** @type {HTMLElement[]} */ ([...row?.querySelectorAll(".quote, .row-menu, .reaction") ?? []]);
    const place = parts.indexOf(/** @type {HTMLElement} */ (event.target));
    if (place < 0) return;
    const found = buttons();
    const index = found.findIndex((button) => row?.contains(button));
    const {key} = event;
    if (key === "ArrowLeft" || key === "ArrowRight") parts[place + (key === "ArrowLeft" ? -1 : 1)]?.focus();
    else if (key === "ArrowUp") found[Math.max(0, index - 1)]?.focus();
    else if (key === "ArrowDown") (found[index + 1] ?? text).focus();
    else if (key === "Escape") text.focus();
    else return;
    event.preventDefault();
  });
}

/** `order` is its place among the others; without one it stands in the middle. @typedef {{label: string, icon?: string, order?: number, run: () => void}} Choice */
/** @typedef {(payload: any, channel: Channel) => Choice[]} Offering what one may do with a message */

/** @type {Offering[]} */
const offerings = [amending];

/** Offer more for each message. @param {Offering} offering */
export function offerForMessages(offering) {
  offerings.push(offering);
}

/** @param {any} payload @param {Channel} channel */
function choicesOf(payload, channel) {
  const choices = offerings.flatMap((offering) => offering(payload, channel));
  return choices.sort((one, other) => placeOf(one) - placeOf(other));
}

/** @param {Choice} choice */
function placeOf({order = 50}) {
  return order;
}

/** @type {Offering} */
function amending(payload, channel) {
  const {author, hidden, at} = payload;
  const isOwn = author.id === page.me.id;
  if (hidden !== undefined) {
    const may = hidden.by.id === page.me.id || page.topics.all_classes;
    return may ? [{label: _("Show again"), run: () => void pushAndClose(channel, "message:restore", {target: payload.seq})}] : [];
  }
  const edit = {label: _("Edit"), icon: "pencil", order: 20, run: () => showEdit(payload, channel)};
  const hide = {label: isOwn ? _("Delete") : _("Hide"), icon: "bin", order: 80, run: () => showHide(payload, channel, isOwn)};
  if (isOwn) return Date.now() - at < EDIT_MS ? [edit, hide] : [hide];
  return isStaff(page.me) ? [hide] : [];
}

/** @param {any} payload @param {Channel} channel */
function openMenu(payload, channel) {
  const choices = choicesOf(payload, channel);
  const isHidden = payload.hidden !== undefined;
  if (isHidden && choices.length === 1) return choices[0].run();
  const items = choices.map((each) => h("li", {}, item(each)));
  const reactions = isHidden ? null : reactionChoices(payload, channel);
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
  return h("blockquote", {class: "dialog-quote"}, h("strong", {}, h("bdi", {}, author.name), ": "), h("bdi", {}, plainText(text.slice(0, 200))));
}
