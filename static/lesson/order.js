/**
 * What staff open and close for their students: a lock, slow mode. Staff have it in the lesson's menu, the lock on a key as
 * well, and see under the class's head what is set. A student reads beside the field why nothing can be sent, and until when.
 */

import {Refused} from "../client/errors.js";
import {mine} from "../connection.js";
import {cancel, choice, pushAndClose, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_, ngettext} from "../language.js";
import {isStaff, page} from "../page.js";
import {MESSAGE} from "../reading.js";
import {comingTime} from "../time.js";
import {offerHours} from "./hours.js";
import {offer} from "./menu.js";
import {Restrictions} from "./restrictions.js";
import {strip} from "./strips.js";

/** Locks and unlocks, wherever the focus is. */
const LOCK_KEY = "F8";
/** From one message to the next, in seconds; 0 is as before. */
const SLOW_CHOICES = [5, 15, 60, 300];
const TICK_MS = 1000;
/** Where a key can be pressed. */
const hasKeys = matchMedia("(hover: hover)");
/** Timers may be a little early, and count in 32 bits. */
const LATER_MS = 50;
const LONGEST_MS = 2 ** 31 - 1;

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("./restrictions.js").Restriction} Restriction */

const restrictions = new Restrictions();
/** @type {Channel} */
let channel;
/** @type {() => void} */
let show = () => {};

/**
 * @param {Channel} joined the class's
 * @param {{hold: (hold: import("../chat/composer.js").Hold | null) => void}} composer
 */
export function showOrder(joined, composer) {
  channel = joined;
  show = isStaff(page.me) ? showToStaff() : showToStudent(composer);
  channel.onJoin(({state, events}) => {
    restrictions.join(state);
    for (const {event, payload} of events) if (event === MESSAGE) sent(payload);
    show();
  });
  follow("chat:locked", (payload) => (restrictions.lock = {notes: payload.notes}));
  follow("chat:unlocked", () => (restrictions.lock = null));
  follow("chat:slowed", ({seconds}) => restrictions.slowed(seconds));
  for (const event of ["hours:changed", "lesson:started", "lesson:ended"]) channel.on(event, () => void readHours());
  document.addEventListener("visibilitychange", () => document.hidden || restrictions.isOpen(Date.now()) || void readHours());
  offerHours(channel, async () => {
    await readHours();
    return restrictions.hours;
  });
  follow(MESSAGE, sent);
}

/** The server has refused a message: it knows better than this page. @param {any} error */
export function noteRefusal(error) {
  if (error instanceof Refused) restrictions.refused(error, Date.now());
  if (error instanceof Refused && error.code === "closed") void readHours();
  show();
}

/** Ask for the hours as they are now: the school's may have changed, of which no event tells. */
async function readHours() {
  try {
    restrictions.hours = await channel.push("hours:read");
    show();
  } catch {
    return; // the next join tells
  }
}

/** @param {string} event @param {(payload: any) => void} fold */
function follow(event, fold) {
  channel.on(event, (payload) => {
    fold(payload);
    if (event !== MESSAGE || payload.author.id === page.me.id) show();
  });
}

/** @param {any} payload */
function sent({author, at}) {
  if (author.id === page.me.id) restrictions.sent(at);
}

// A student's

/** @param {{hold: (hold: import("../chat/composer.js").Hold | null) => void}} composer */
function showToStudent(composer) {
  /** @type {number | undefined} */
  let timer;
  const showNow = () => {
    const now = Date.now();
    const found = restrictions.at(now);
    const left = found?.kind === "slow" ? Math.ceil((/** @type {number} */ (found.until) - now) / 1000) : 0;
    composer.hold(found === null ? null : {words: words(found), mayWrite: found.kind === "slow", left});
    clearTimeout(timer);
    const next = left > 0 ? now + TICK_MS : restrictions.next(now);
    if (next !== null) timer = window.setTimeout(showNow, Math.min(next - now + LATER_MS, LONGEST_MS));
  };
  const mutedUntil = (/** @type {string} */ topic, /** @type {number} */ until) => {
    if (topic !== channel.topic) return;
    restrictions.mutedUntil = until;
    showNow();
  };
  mine.on("member:muted", (payload) => mutedUntil(payload.topic, payload.until));
  mine.on("member:unmuted", (payload) => mutedUntil(payload.topic, 0));
  document.addEventListener("visibilitychange", showNow); // a computer that slept
  return showNow;
}

/** @param {Restriction} restriction */
function words({kind, until, seconds = 0, notes}) {
  if (kind === "muted") return _("You cannot write here until {time}: your teacher has muted you. You can still read.", {time: comingTime(/** @type {number} */ (until))});
  if (kind === "locked") return notes ? _("The chat is locked. You can still write to the teacher.") : _("The chat is locked.");
  if (kind === "slow") return _("Slow mode: one message every {time}.", {time: duration(seconds)});
  return until === null ? _("You can write here during lessons.") : _("The chat is closed until {time}. You can still read.", {time: comingTime(until)});
}

/** @param {number} seconds */
function duration(seconds) {
  if (seconds % 60 === 0) return ngettext("{n} minute", "{n} minutes", seconds / 60);
  return ngettext("{n} second", "{n} seconds", seconds);
}

// Staff's

function showToStaff() {
  const line = strip("order", 10);
  offer({label: lockLabel, icon: "lock", order: 16, isOffered: () => true, run: toggleLock});
  offer({label: notesLabel, icon: "lock", order: 17, isOffered: () => restrictions.lock !== null, run: toggleNotes});
  offer({label: () => _("Slow mode…"), icon: "clock", order: 18, isOffered: () => true, run: showSlow});
  document.addEventListener("keydown", (event) => {
    if (event.key !== LOCK_KEY || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    toggleLock();
  });
  /** @type {number | undefined} */
  let timer;
  const showNow = () => {
    const {lock, seconds} = restrictions;
    const now = Date.now();
    if (lock !== null) line.show(icon("lock"), status(lockedWords(lock)), button(_("Unlock"), toggleLock));
    else if (seconds > 0) line.show(icon("clock"), status(_("Slow mode: one message every {time}.", {time: duration(seconds)})), button(_("Turn off"), () => push("chat:slow", {seconds: 0})));
    else if (!restrictions.isOpen(now)) line.show(icon("clock"), status(closedWords(restrictions.at(now))));
    else line.hide();
    clearTimeout(timer);
    const next = restrictions.next(now);
    if (next !== null) timer = window.setTimeout(showNow, Math.min(next - now + LATER_MS, LONGEST_MS));
  };
  return showNow;
}

/** @param {Restriction | null} restriction */
function closedWords(restriction) {
  const until = restriction?.until ?? null;
  return until === null ? _("Students can write here during lessons.") : _("The chat is closed for students until {time}.", {time: comingTime(until)});
}

/** @param {{notes: boolean}} lock */
function lockedWords({notes}) {
  return notes ? _("The chat is locked, notes are allowed.") : _("The chat is locked.");
}

function lockLabel() {
  const label = restrictions.lock === null ? _("Lock the chat") : _("Unlock the chat");
  return hasKeys.matches ? `${label} (${LOCK_KEY})` : label;
}

function notesLabel() {
  return restrictions.lock?.notes ? _("Stop notes to teachers, too") : _("Allow notes to teachers");
}

function toggleLock() {
  if (restrictions.lock === null) push("chat:lock", {notes: true});
  else push("chat:unlock", {});
}

function toggleNotes() {
  push("chat:lock", {notes: !restrictions.lock?.notes});
}

/** @param {string} event @param {Record<string, unknown>} payload */
function push(event, payload) {
  void pushAndClose(channel, event, payload);
}

function showSlow() {
  const choices = SLOW_CHOICES.map((seconds) => choice(duration(seconds), () => push("chat:slow", {seconds})));
  const off = restrictions.seconds > 0 ? choice(_("Turn off"), () => push("chat:slow", {seconds: 0})) : null;
  const buttons = [off, ...choices].filter((each) => each !== null);
  showDialog(_("Slow mode"), [
    h("p", {}, _("Each student waits this long after a message:")),
    h("div", {class: "dialog-choices"}, ...buttons, cancel()),
  ]);
}

/** @param {string} text */
function status(text) {
  return h("span", {role: "status"}, text);
}

/** @param {string} label @param {() => void} run */
function button(label, run) {
  return h("button", {class: "quiet-button", type: "button", onclick: run}, label);
}
