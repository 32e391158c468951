/**
 * Notes between a student and the teachers of the class. A student has one thread here, and a line under the class's head
 * while something in it is new: an answer, or what became of a report. The staff sees there who waits for an answer.
 */

import {mine} from "../connection.js";
import {closeDialog, showDialog} from "../dialog.js";
import {h, icon, setText} from "../dom.js";
import {_, ngettext, number} from "../language.js";
import {oncePerFrame} from "../next_frame.js";
import {isStaff, page} from "../page.js";
import {CLOSED, SEEN} from "../reports/open_flags.js";
import {dayAndTime, timeElement} from "../time.js";
import {classTopic, USER} from "../topic.js";
import {offerForMessages} from "../chat/message_menu.js";
import {classStaff} from "./class_staff.js";
import {offer} from "./menu.js";
import {newestNotes, NOTE, NOTE_CLOSED} from "./note_history.js";
import {showThread} from "./note_thread.js";
import {strip} from "./strips.js";
import {WaitingNotes} from "./waiting_notes.js";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../page.js").User} User */

const topic = classTopic(page.classroom.id);
const waiting = new WaitingNotes();
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
  const line = strip("notes", 60);
  const words = h("span");
  const open = () => showThread({channel: classroom, source: mine, student: page.me, isOwn: true});
  const button = h("button", {class: "quiet-button", type: "button", onclick: open}, _("Read"));
  /** @type {import("../client/position.js").TopicEvent[]} what is new for the student in this class */
  let news = [];
  let read = 0;
  const show = oncePerFrame(() => {
    news = news.filter(({payload}) => payload.seq > read);
    setText(words, newsWords(news));
    if (news.length === 0) line.hide();
    else if (!button.isConnected) line.show(icon("note"), h("span", {role: "status"}, words), button);
  });
  mine.onJoin((joined) => {
    read = Math.max(read, joined.read);
    news = [...(joined.resumed ? news : []), ...joined.events.filter(isNews)];
    show();
  });
  const take = (/** @type {import("../client/position.js").TopicEvent} */ event) => {
    if (isNews(event)) news.push(event);
    show();
  };
  for (const event of [NOTE, SEEN, CLOSED]) mine.on(event, (payload) => take({event, payload}));
  mine.on("read:marked", (marked) => {
    if (marked.topic !== USER) return;
    read = Math.max(read, marked.seq);
    show();
  });
  offer({label: () => _("Write to the teacher"), icon: "note", order: 10, isOffered: () => true, run: open});
}

/** @param {import("../client/position.js").TopicEvent} event */
function isNews({event, payload}) {
  if (payload.topic !== topic) return false;
  return event === NOTE ? payload.author.id !== page.me.id : event === SEEN || event === CLOSED;
}

/** @param {import("../client/position.js").TopicEvent[]} news */
function newsWords(news) {
  const answers = news.filter(({event}) => event === NOTE);
  if (answers.length > 0) return _("{name} has written to you.", {name: answers.at(-1)?.payload.author.name});
  return news.at(-1)?.event === SEEN ? _("Your report has been seen.") : _("Your report has been dealt with.");
}

// The staff's

/** @param {Channel} staff */
function showToStaff(staff) {
  const line = strip("notes", 60);
  const words = h("span");
  const button = h("button", {class: "quiet-button", type: "button", onclick: () => void openList(staff)}, _("Read"));
  const show = oncePerFrame(() => {
    const {students} = waiting;
    setText(words, ngettext("A note from {n} student", "Notes from {n} students", students.length));
    if (students.length === 0) line.hide();
    else if (!button.isConnected) line.show(icon("note"), h("span", {role: "status"}, words), button);
  });
  staff.onJoin(({state}) => {
    waiting.begin(state.notes);
    show();
  });
  for (const event of [NOTE, NOTE_CLOSED]) {
    staff.on(event, (payload) => {
      waiting.take({event, payload});
      show();
    });
  }
  offer({label: () => _("Notes from students"), icon: "note", order: 10, isOffered: () => true, run: () => void openList(staff)});
  offerForMessages(({author}) => {
    const write = {label: _("Write to {name} alone", {name: author.name}), icon: "person", order: 60, run: () => openThread(author)};
    return isStaff(author) ? [] : [write];
  });
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
