/**
 * Notes between a student and the teachers of the class. A student has one thread here, and a line under the class's head
 * while something in it is new: an answer, or what became of a report. The staff sees there who waits for an answer.
 */

import {mine} from "../connection.js";
import {closeDialog, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_, ngettext, number} from "../language.js";
import {oncePerFrame} from "../next_frame.js";
import {isStaff, page} from "../page.js";
import {SEEN} from "../reports/open_flags.js";
import {dayAndTime, timeElement} from "../time.js";
import {classTopic} from "../topic.js";
import {offerForMessages} from "../chat/message_menu.js";
import {offerForPeople} from "../chat/people.js";
import {classStaff} from "./class_staff.js";
import {inboxEntry} from "./inbox.js";
import {offer} from "./menu.js";
import {newestNotes, NOTE} from "./note_history.js";
import {showThread} from "./note_thread.js";
import {newsOf, onNews} from "./own_news.js";
import {followNotes, WaitingNotes} from "./waiting_notes.js";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../page.js").User} User */

const topic = classTopic(page.classroom.id);
let waiting = new WaitingNotes();
/** @type {Channel} */
let classroom;

/** @param {Channel} channel the class's */
export function showNotes(channel) {
  classroom = channel;
  const staff = classStaff();
  if (staff !== null) showToStaff(staff);
  else if (page.topics.pushes.includes("note:send")) showToStudent();
}

// A student's

function showToStudent() {
  const open = () => showThread({channel: classroom, source: mine, student: page.me, isOwn: true});
  const entry = inboxEntry("note", open);
  onNews(() => entry.show(newsWords(newsOf(topic))));
  offer({label: () => _("Write to the teacher"), icon: "note", order: 10, isOffered: () => true, run: open});
}

/** @param {import("../client/position.js").TopicEvent[]} news */
function newsWords(news) {
  const last = news.at(-1);
  if (last === undefined) return "";
  const answer = news.filter(({event}) => event === NOTE).at(-1);
  if (answer !== undefined) return _("{name} has written to you.", {name: answer.payload.author.name});
  return last.event === SEEN ? _("Your report has been seen.") : _("Your report has been dealt with.");
}

// The staff's

/** @param {Channel} staff */
function showToStaff(staff) {
  const open = () => void openList(staff);
  const entry = inboxEntry("note", open);
  waiting = followNotes(staff, oncePerFrame(() => {
    const {count} = waiting;
    entry.show(count === 0 ? "" : ngettext("{n} note", "{n} notes", count));
  }));
  offer({label: () => _("Notes from students"), icon: "note", order: 10, isOffered: () => true, run: open});
  const choices = (/** @type {User} */ user) => (isStaff(user) ? [] : [{label: _("Write to the student alone"), icon: "person", order: 60, run: () => openThread(user)}]);
  offerForMessages(({author}) => choices(author));
  offerForPeople({choices, sign: () => null});
}

/** The thread of a student, for the staff. @param {User} student */
export function openThread(student) {
  const staff = classStaff();
  if (staff !== null) showThread({channel: staff, source: staff, student, isOwn: false, waiting});
}

/** Who waits comes first. @param {Channel} staff */
async function openList(staff) {
  const list = h("ul", {class: "dialog-list note-students"}, h("li", {class: "muted"}, _("Asking the server…")));
  const close = h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"));
  showDialog(_("Notes from students"), [list, h("div", {class: "dialog-choices"}, close)]);
  const newest = await newestNotes(staff).catch(() => null);
  if (!list.isConnected) return;
  const rows = newest === null ? [] : studentRows(newest);
  const nothing = newest === null ? _("The notes could not be read. Try again in a moment.") : _("No student has written a note.");
  list.replaceChildren(...(rows.length > 0 ? rows : [h("li", {class: "muted"}, nothing)]));
  list.querySelector("button")?.focus();
}

/** @param {any[]} notes the newest of the class, oldest first */
function studentRows(notes) {
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
