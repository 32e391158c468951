/**
 * What is new for the user on their own topic, by class: answers to their notes, and what became of their reports. It is new
 * until the user has read it, here or elsewhere.
 */

import {Listeners} from "../client/listeners.js";
import {mine} from "../connection.js";
import {throttled} from "../throttle.js";
import {page} from "../page.js";
import {CLOSED, SEEN} from "../reports/open_flags.js";
import {USER} from "../topic.js";
import {NOTE} from "./note_history.js";

/** @typedef {import("../client/position.js").TopicEvent} TopicEvent */

/** @type {TopicEvent[]} oldest first */
let news = [];
let read = 0;
/** @type {Listeners<[]> | null} */
let onChange = null;

/** Call in the next frame after changes. @param {() => void} listener */
export function onNews(listener) {
  onChange ??= follow();
  return onChange.add(listener);
}

/** What is new in a class, oldest first. @param {string} topic the class's */
export function newsOf(topic) {
  return news.filter(({payload}) => payload.topic === topic && payload.seq > read);
}

function follow() {
  /** @type {Listeners<[]>} */
  const listeners = new Listeners();
  const tell = throttled(() => listeners.emit());
  mine.onJoin((joined) => {
    read = Math.max(read, joined.read);
    news = [...(joined.resumed ? news : []), ...joined.events.filter(isNews)];
    tell();
  });
  for (const event of [NOTE, SEEN, CLOSED]) mine.on(event, (payload) => take({event, payload}, tell));
  mine.on("read:marked", (marked) => {
    if (marked.topic !== USER) return;
    read = Math.max(read, marked.seq);
    news = news.filter(({payload}) => payload.seq > read);
    tell();
  });
  return listeners;
}

/** @param {TopicEvent} event @param {() => void} tell */
function take(event, tell) {
  if (isNews(event)) news.push(event);
  tell();
}

/** @param {TopicEvent} event */
function isNews({event, payload}) {
  return event === SEEN || event === CLOSED || (event === NOTE && payload.author.id !== page.me.id);
}
