/**
 * Reminders: an author asks again for an announcement that the user has not read, or not confirmed. One line below the bar of
 * the page, for the newest of them, until it is done or put away.
 */

import {mine} from "../connection.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";
import {readingOf} from "../reading.js";
import {isOver} from "./together.js";

/** @typedef {{topic: string, target: number, title: string, author: {name: string}, at: number}} Reminder */

/** @type {Map<string, Reminder>} by topic and position, the newest last */
const open = new Map();
const line = h("div", {class: "reminder", role: "status", hidden: true});

/** @param {string} topic @param {number} target */
function keyOf(topic, target) {
  return `${topic}/${target}`;
}

/** Show a reminder, if it still asks for something. @param {Reminder} reminder */
export async function remind(reminder) {
  const {topic, target} = reminder;
  const reading = readingOf(topic);
  try {
    await reading.channel.join();
  } catch {
    return; // it is no longer one of theirs
  }
  const announcement = reading.announcements.find(({payload}) => payload.seq === target)?.payload;
  if (announcement === undefined || isOver(announcement)) return;
  if (announcement.acknowledge ? await isConfirmed(reading, target) : reading.read >= target) return;
  open.delete(keyOf(topic, target));
  open.set(keyOf(topic, target), reminder);
  if (!announcement.acknowledge) reading.onChange(() => reading.read >= target && done(keyOf(topic, target)));
  show();
}

/** @param {import("../reading.js").Reading} reading @param {number} target */
async function isConfirmed(reading, target) {
  try {
    return (await reading.channel.push("acknowledged:read", {targets: [target]})).targets.length > 0;
  } catch {
    return false;
  }
}

/** @param {string} key */
function done(key) {
  if (open.delete(key)) show();
}

function show() {
  const newest = [...open].at(-1);
  line.hidden = newest === undefined;
  if (newest === undefined) return line.replaceChildren();
  const [key, {title, author}] = newest;
  const words = title === "" ? _("{name} reminds you of an announcement.", {name: author.name}) : _("{name} reminds you: {title}", {name: author.name, title});
  line.replaceChildren(
    icon("announcement"),
    h("a", {href: `${page.home}announcements`}, words),
    h("button", {class: "icon-button", type: "button", "aria-label": _("Close"), onclick: () => done(key)}, icon("close")),
  );
}

document.getElementById("main")?.before(line);
mine.on("acknowledged:marked", ({topic, target}) => done(keyOf(topic, target)));
