/**
 * Notes between a student and the teachers of the class. A student has one thread here, and a line under the class's head
 * while something in it is new: an answer, or what became of a report. The staff sees there who waits for an answer.
 */

import {mine} from "../connection.js";
import {_, ngettext} from "../language.js";
import {later} from "../later.js";
import {throttled} from "../throttle.js";
import {isStaff, page} from "../page.js";
import {SEEN} from "../reports/open_flags.js";
import {classTopic} from "../topic.js";
import {offerForMessages} from "../chat/message_menu.js";
import {offerForPeople} from "../chat/people.js";
import {classStaff} from "./class_staff.js";
import {inboxEntry} from "./inbox.js";
import {offer} from "./menu.js";
import {NOTE} from "./note_history.js";
import {newsOf, onNews} from "./own_news.js";
import {followNotes, WaitingNotes} from "./waiting_notes.js";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../page.js").User} User */

const thread = later(() => import("./note_thread.js"));
const students = later(() => import("./note_list.js"));

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
  const open = () => void thread.press(({showThread}) => showThread({channel: classroom, source: mine, student: page.me, isOwn: true}));
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
  const open = () => void students.press(({openList}) => void openList(staff, waiting));
  const entry = inboxEntry("note", open);
  waiting = followNotes(staff, throttled(() => {
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
  if (staff !== null) void thread.press(({showThread}) => showThread({channel: staff, source: staff, student, isOwn: false, waiting}));
}
