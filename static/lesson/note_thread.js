/** The thread of one student with the teachers of the class, in the dialog: what was written, and a field to write more. */

import {newIdentifier} from "../client/identifier.js";
import {lengthOf, MAX_CHARACTERS} from "../counter.js";
import {choice, closeDialog, complain, pushAndClose, showDialog, whyNot} from "../dialog.js";
import {h} from "../dom.js";
import {loadDraft, saveDraft} from "../draft.js";
import {isolated} from "../bidi.js";
import {_} from "../language.js";
import {page} from "../page.js";
import {CLOSED, FLAGGED, SEEN} from "../reports/open_flags.js";
import {textElement} from "../text.js";
import {dayAndTime, timeElement} from "../time.js";
import {classTopic} from "../topic.js";
import {newestReports, NOTE, notesBefore} from "./note_history.js";

/** The end of every topic (channels/field.py). */
const END = 2 ** 53;

/** @typedef {import("../client/channel.js").Channel} Channel */

/**
 * `channel` takes the notes, `source` has them: for a student, the own topic. `waiting` says for the staff who waits.
 * @typedef {{channel: Channel, source: Channel, student: import("../page.js").User, isOwn: boolean,
 *   waiting?: import("./waiting_notes.js").WaitingNotes}} Thread
 */

/** @param {Thread} thread */
export function showThread(thread) {
  const {student, isOwn} = thread;
  const rows = h("ol", {class: "note-rows", tabindex: "0", "aria-label": _("Notes")});
  const field = fieldOf(thread);
  const done = doneButton(thread);
  const show = () => {
    done.hidden = thread.waiting?.of(student.id) === undefined;
    void showRows(thread, rows);
  };
  const ends = followed(thread, show);
  const title = isOwn ? _("Write to the teacher") : _("Notes with {name}", {name: student.name});
  const who = isOwn
    ? _("The teachers of this class and the principal read this. Your classmates do not.")
    : _("{name}, the other teachers of this class and the principal read this.", {name: student.name});
  const buttons = [choice(_("Send"), sending(thread, field)), done, closeButton()];
  showDialog(title, [h("p", {class: "muted"}, who), rows, field, h("div", {class: "dialog-choices"}, ...buttons)], ends);
  field.focus();
  show();
}

/** What is written is kept until it is sent. @param {Thread} thread */
function fieldOf(thread) {
  const words = thread.isOwn ? _("Your note") : _("Your answer");
  const field = /** @type {HTMLTextAreaElement} */ (h("textarea", {rows: "3", dir: "auto", "aria-label": words, placeholder: words}));
  field.value = loadDraft(place(thread));
  field.addEventListener("input", () => saveDraft(place(thread), field.value.slice(0, 2 * MAX_CHARACTERS)));
  return field;
}

/** @param {Thread} thread */
function place({student}) {
  return `note:${page.classroom.id}:${student.id}`;
}

function closeButton() {
  return h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"));
}

/** Not every note needs an answer. @param {Thread} thread */
function doneButton({channel, student, waiting}) {
  const close = () => void pushAndClose(channel, "note:close", {target: waiting?.of(student.id)?.seq});
  return h("button", {class: "quiet-button", type: "button", onclick: close}, _("Needs no answer"));
}

/** Return a function that sends what is written; the same text sent again is the same note. @param {Thread} thread @param {HTMLTextAreaElement} field */
function sending(thread, field) {
  const {channel, student, isOwn} = thread;
  let id = newIdentifier();
  const refresh = () => {
    id = newIdentifier();
  };
  const again = () => {
    field.disabled = false;
    field.focus();
  };
  const sent = () => {
    field.value = "";
    saveDraft(place(thread), "");
    refresh();
    again();
  };
  const failed = (/** @type {any} */ error) => {
    complain(_("Not sent, your text is still here. {why}", {why: whyNot(error)}));
    again();
  };
  field.addEventListener("input", refresh);
  return () => {
    const text = field.value.trim();
    if (text === "") return field.focus();
    if (lengthOf(text) > MAX_CHARACTERS) return complain(_("This text is too long."));
    field.disabled = true;
    channel.push("note:send", {text, ...(!isOwn && {user: student.id}), id}).then(sent, failed);
  };
}

/** Show the thread anew when something comes; returns what ends that. @param {Thread} thread @param {() => void} show */
function followed({source}, show) {
  const ends = [NOTE, SEEN, CLOSED].map((event) => source.on(event, show));
  return () => ends.forEach((end) => end());
}

/** @param {Thread} thread @param {HTMLElement} rows */
async function showRows(thread, rows) {
  const {source, student, isOwn} = thread;
  try {
    const [{notes, more}, reports] = await Promise.all([
      notesBefore(source, END),
      isOwn ? newestReports(source, FLAGGED) : [],
    ]);
    const shown = [...notes.filter((/** @type {any} */ note) => note.user.id === student.id), ...reports].filter(({topic}) => topic === classTopic(page.classroom.id));
    shown.sort((one, other) => one.seq - other.seq);
    rows.replaceChildren(...(more ? [h("li", {class: "muted"}, _("Older notes are not shown."))] : []), ...shown.map(rowOf));
    if (shown.length === 0) rows.append(h("li", {class: "muted"}, _("Nothing has been written yet.")));
    // The server takes the end of the topic for it.
    if (isOwn && shown.length > 0) source.push("read:mark", {seq: END}).catch(() => {});
  } catch {
    rows.replaceChildren(h("li", {class: "muted"}, _("The notes could not be read. Try again in a moment.")));
  }
  rows.scrollTop = rows.scrollHeight;
}

/** @param {any} payload */
function rowOf(payload) {
  return payload.reason === undefined ? noteRow(payload) : reportRow(payload);
}

/** @param {any} note */
function noteRow({text, author, at}) {
  const isMine = author.id === page.me.id;
  const name = isMine ? h("span", {class: "visually-hidden"}, `${_("You")}: `) : h("p", {class: "author"}, h("bdi", {}, author.name));
  return h("li", {class: `note-row ${isMine ? "own" : ""}`}, name, textElement(text), h("span", {class: "meta"}, timeElement(at, dayAndTime)));
}

/** @param {any} report one's own */
function reportRow({user, at, seen, closed}) {
  const words = _("You reported a message of {name}.", {name: isolated(user.name)});
  const state = closed !== undefined ? _("It has been dealt with.") : seen !== undefined ? _("It has been seen.") : _("Nobody has looked at it yet.");
  return h("li", {class: "note-report"}, `${words} ${state}`, " ", h("span", {class: "meta"}, timeElement(at, dayAndTime)));
}
