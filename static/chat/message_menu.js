/**
 * What one may do with a message: react, edit and delete one's own, hide others' as staff, show again what was hidden, and
 * what other modules offer.
 *
 * Each row that offers something has a button. From an empty composer the arrow up leads to the newest of these buttons, the
 * arrows up and down from one to the next, and those to the sides to what else is in the row, so that none of it is a stop
 * on the way by Tab.
 */

import {pushAndClose} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {later} from "../later.js";
import {byId, isStaff, page} from "../page.js";

const dialog = later(() => import("./message_dialog.js"));

/** As long as the server takes an edit (channels/lesson/amending.py). */
const EDIT_MS = 5 * 60_000;

/** @typedef {import("../client/channel.js").Channel} Channel */

/** The button of a message's row; null where the user may do nothing with it. @param {any} payload @param {Channel} channel */
export function menuButton(payload, channel) {
  if (payload.seq === undefined || !offerings.some((offering) => offering(payload, channel).length > 0)) return null;
  const open = () => choose(payload, channel);
  return h("button", {class: "row-menu", type: "button", tabindex: "-1", "aria-haspopup": "dialog", "aria-label": _("What to do with this message"), onclick: open});
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
  const {pushes} = page.topics;
  if (hidden !== undefined) {
    const may = (hidden.by.id === page.me.id || page.topics.all_classes) && pushes.includes("message:restore");
    return may ? [{label: _("Show again"), run: () => void pushAndClose(channel, "message:restore", {target: payload.seq})}] : [];
  }
  const edit = {label: _("Edit"), icon: "pencil", order: 20, run: () => void dialog.press(({showEdit}) => showEdit(payload, channel))};
  const hide = {label: isOwn ? _("Delete") : _("Hide"), icon: "bin", order: 80, run: () => void dialog.press(({showHide}) => showHide(payload, channel, isOwn))};
  if (!pushes.includes("message:hide")) return [];
  if (isOwn) return Date.now() - at < EDIT_MS ? [edit, hide] : [hide];
  return isStaff(page.me) ? [hide] : [];
}

/** @param {any} payload @param {Channel} channel */
function choose(payload, channel) {
  const choices = choicesOf(payload, channel);
  if (payload.hidden !== undefined && choices.length === 1) return choices[0].run();
  void dialog.press(({openMenu}) => openMenu(payload, channel, choices));
}
