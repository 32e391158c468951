/**
 * One topic as a reader sees it from outside: its newest events, how far the user has read, and what is unread.
 *
 * The lists of classes, the badge of the announcements and the open conversation share one of these for a topic.
 */

import {amend, AMENDING, isAmending, REACTING} from "./amended.js";
import {isCopy, isOver} from "./announcements/together.js";
import {Listeners} from "./client/listeners.js";
import {mine, socket} from "./connection.js";
import {throttled} from "./throttle.js";
import {page} from "./page.js";
import {classTopic, isClass} from "./topic.js";

/** As many as a join brings (PROTOCOL: the newest 50). What is unread beyond that is "50+". */
const KEPT = 50;
/** Reading goes on while one scrolls: a mark for each message would only spend the user's push rate. */
const MARK_EVERY_MS = 700;

export const MESSAGE = "message:sent";
export const ANNOUNCEMENT = "announcement:sent";

/** @typedef {import("./client/position.js").TopicEvent} TopicEvent */

export class Reading {
  /** @type {TopicEvent[]} the newest, oldest first */
  events = [];
  /** @type {TopicEvent[]} the topic's newest announcements, as the server folded them */
  announcements = [];
  read = 0;
  isKnown = false;
  #isFollowed = false;
  /** @type {number | undefined} */
  #timer;
  #told = 0;
  /** @type {Listeners<[Reading]>} */
  #onChange = new Listeners();
  #changed = throttled(() => this.#onChange.emit(this), {isQuiet: true});

  /** @param {string} topic @param {Record<string, unknown>} params */
  constructor(topic, params) {
    this.topic = topic;
    this.channel = socket.channel(topic, params);
    this.channel.onJoin((joined) => this.#joined(joined));
    for (const event of [MESSAGE, ANNOUNCEMENT]) this.channel.on(event, (payload) => this.#add({event, payload}));
    for (const event of [...AMENDING, ...REACTING]) this.channel.on(event, (payload) => this.#amend({event, payload}));
    mine.on("read:marked", (marked) => marked.topic === topic && this.#readTo(marked.seq));
    window.addEventListener("pagehide", () => this.#tell()); // who looks and leaves at once has read it, too
  }

  /** Call after changes, in the next frame. @param {(reading: Reading) => void} listener */
  onChange(listener) {
    return this.#onChange.add(listener);
  }

  /** @returns {TopicEvent | undefined} the newest that somebody said */
  get last() {
    return this.events.at(-1);
  }

  /** What others said since the user last read. */
  get unread() {
    if (this.#isFollowed) return 0;
    const own = ownTopics();
    return this.events.filter(({event, payload}) => {
      const isNew = payload.seq > this.read && payload.author.id !== page.me.id;
      return isNew && (event !== ANNOUNCEMENT || (!isOver(payload) && !isCopy(this.topic, payload, own)));
    }).length;
  }

  /** The same without announcements, which have a sign of their own. */
  get unreadMessages() {
    if (this.#isFollowed) return 0;
    return this.events.filter(({event, payload}) => {
      return event === MESSAGE && payload.seq > this.read && payload.author.id !== page.me.id;
    }).length;
  }

  /** Whether there may be more unread than is kept here. */
  get hasMoreUnread() {
    return this.events.length >= KEPT && this.events[0].payload.seq > this.read + 1;
  }

  /** The user sees what arrives at once: it is not shown as unread for the moment until it counts as read. @param {boolean} isFollowed */
  follow(isFollowed) {
    if (isFollowed === this.#isFollowed) return;
    this.#isFollowed = isFollowed;
    this.#changed();
  }

  /** The user has read up to a position. @param {number} seq */
  mark(seq) {
    if (seq <= this.read) return;
    this.#readTo(seq);
    this.#timer ??= window.setTimeout(() => this.#tell(), MARK_EVERY_MS);
  }

  #tell() {
    this.#timer = undefined;
    const seq = this.read;
    if (seq <= this.#told || !this.channel.joined) return; // the next join brings it up again
    this.#told = seq;
    this.channel.push("read:mark", {seq}).catch(() => {
      this.#told = 0;
    });
  }

  /** @param {import("./client/channel.js").Joined} joined */
  #joined({resumed, events, state, read}) {
    this.events = [...(resumed ? this.events : []), ...events.filter(isSaid)].slice(-KEPT);
    for (const change of events.filter(isAmending)) amend(this.events, change);
    this.announcements = state.announcements ?? this.announcements;
    this.isKnown = true;
    this.#told = read;
    if (this.read > read) this.#timer ??= window.setTimeout(() => this.#tell(), MARK_EVERY_MS);
    else this.read = read;
    this.#changed();
  }

  /** @param {TopicEvent} event */
  #add(event) {
    keep(this.events, event);
    if (event.event === ANNOUNCEMENT) this.announcements = [...this.announcements, event].slice(-KEPT);
    this.#changed();
  }

  /** @param {TopicEvent} change */
  #amend(change) {
    const isOfAnnouncement = amend(this.announcements, change).length > 0;
    if (amend(this.events, change).length > 0 || isOfAnnouncement) this.#changed();
  }

  /** @param {number} seq */
  #readTo(seq) {
    if (seq <= this.read) return;
    this.read = seq;
    this.#changed();
  }
}

/** The topics that the user gets announcements in. */
function ownTopics() {
  return [...page.topics.wide, ...(page.classes ?? []).map(({id}) => classTopic(id))];
}

/** Add the newest, and forget the oldest of more than KEPT. @param {TopicEvent[]} events @param {TopicEvent} event */
function keep(events, event) {
  if (events.push(event) > KEPT) events.shift();
}

/** Whether an event is something that somebody said, for others to read. @param {TopicEvent} event */
export function isSaid({event}) {
  return event === MESSAGE || event === ANNOUNCEMENT;
}

/** @type {Map<string, Reading>} */
const readings = new Map();

/**
 * The reading of a topic, made and joined by the first call. Only an open class says that the user is present.
 * @param {string} topic
 * @param {{present?: boolean}} params
 */
export function readingOf(topic, params = {present: false}) {
  let reading = readings.get(topic);
  if (reading === undefined) {
    reading = new Reading(topic, isClass(topic) ? params : {});
    readings.set(topic, reading);
  }
  reading.channel.join(); // again where it is joined: nothing; where it was taken away and has come back: joins
  return reading;
}
