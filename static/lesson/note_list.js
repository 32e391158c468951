/** The students of a class who have written notes, for its staff. */

import {closeDialog, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_, number} from "../language.js";
import {dayAndTime, timeElement} from "../time.js";
import {newestNotes} from "./note_history.js";
import {openThread} from "./notes.js";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../page.js").User} User */
/** @typedef {import("./waiting_notes.js").WaitingNotes} WaitingNotes */

/** Who waits comes first. @param {Channel} staff @param {WaitingNotes} waiting */
export async function openList(staff, waiting) {
  const list = h("ul", {class: "dialog-list note-students"}, h("li", {class: "muted"}, _("Asking the server…")));
  const close = h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"));
  showDialog(_("Notes from students"), [list, h("div", {class: "dialog-choices"}, close)]);
  const newest = await newestNotes(staff).catch(() => null);
  if (!list.isConnected) return;
  const rows = newest === null ? [] : studentRows(newest, waiting);
  const nothing = newest === null ? _("The notes could not be read. Try again in a moment.") : _("No student has written a note.");
  list.replaceChildren(...(rows.length > 0 ? rows : [h("li", {class: "muted"}, nothing)]));
  list.querySelector("button")?.focus();
}

/** @param {any[]} notes the newest of the class, oldest first @param {WaitingNotes} waiting */
function studentRows(notes, waiting) {
  const last = new Map(notes.map((note) => [note.user.id, note]));
  const others = [...last.values()].filter(({user}) => waiting.of(user.id) === undefined).reverse();
  return [
    ...waiting.students.map((each) => studentRow(each.user, last.get(each.user.id), each)),
    ...others.map((note) => studentRow(note.user, note, undefined)),
  ];
}

/** @param {User} user @param {any} note the newest, if it is among those that were read @param {any} waits */
function studentRow(user, note, waits) {
  const sign = waits && h("span", {class: "count"}, number(waits.count), h("span", {class: "visually-hidden"}, ` ${_("without an answer")}`));
  const said = note && h("bdi", {class: "note-said"}, note.text.slice(0, 120));
  const when = timeElement((note ?? waits).at, dayAndTime);
  return h("li", {}, h("button", {class: "menu-item", type: "button", onclick: () => openThread(user)}, h("bdi", {class: "note-name"}, user.name), sign, when, said));
}
