/**
 * How far the newest announcements of the school have come, whoever made them: the newest two, and the others on request.
 * The numbers move while they are on the screen; unfolded, each names who has not read it.
 */

import {isOver} from "../../static/announcements/together.js";
import {placeName} from "../../static/announcements/place.js";
import {isolated} from "../../static/bidi.js";
import {socket} from "../../static/connection.js";
import {h} from "../../static/dom.js";
import {_, ngettext} from "../../static/language.js";
import {later} from "../../static/later.js";
import {throttled} from "../../static/throttle.js";
import {byId, page} from "../../static/page.js";
import {readingOf} from "../../static/reading.js";
import {plainText} from "../../static/text/parse.js";
import {dayAndTime, timeElement} from "../../static/time.js";
import {DASHBOARD, isClass, parseTopic, PRINCIPALS} from "../../static/topic.js";

const receipts = later(() => import("../../static/receipts.js"));

/** More at once would push the classes off a phone's screen. */
const FIRST = 2;

/** As many as the server tells of (PROTOCOL: STATE_LISTED). */
const LISTED = 20;

/** What stands for an announcement without a title. */
const MAX_WORDS = 80;

/** Places whose names fit on a line. */
const MOST_NAMED = 3;

/** @typedef {{topic: string, target: number, key: string}} Listed */
/** @typedef {import("../../static/reading.js").Reading} Reading */

/** @param {(id: number) => string} titleOf the title of a class */
export function showAnnounced(titleOf) {
  const channel = socket.channel(PRINCIPALS);
  /** @type {Listed[]} the newest first */
  let listed = [];
  let limit = FIRST;
  /** The place of the first row that the button brings, until it shows: the focus would go with the button. */
  let first = -1;
  /** @type {Map<string, {words: string, element: HTMLElement}>} by key */
  let rows = new Map();
  /** @type {Set<Reading>} */
  const followed = new Set();

  const show = throttled(() => {
    const before = rows;
    rows = new Map();
    for (const each of listed) if (rows.size < limit) put(each, before.get(each.key));
    byId("announced").hidden = rows.size === 0;
    byId("announced-more").hidden = rows.size < limit || listed.length <= limit;
    const elements = [...rows.values()].map(({element}) => element);
    arrange(byId("announced-list"), elements);
    if (first in elements) {
      elements[first].querySelector("a")?.focus();
      first = -1;
    }
  });

  /** A row stays the same element while its words do: what is unfolded stays open. @param {Listed} each @param {{words: string, element: HTMLElement} | undefined} before */
  function put({topic, target, key}, before) {
    const reading = follow(topic);
    const announcement = reading.announcements.find(({payload}) => payload.seq === target)?.payload;
    if (announcement === undefined || isOver(announcement)) return;
    const words = `${announcement.title}\n${announcement.text}\n${where(topic, announcement)}`;
    rows.set(key, before?.words === words ? before : {words, element: row(reading, announcement)});
  }

  /** @param {string} topic */
  function follow(topic) {
    const reading = readingOf(topic);
    if (!followed.has(reading)) reading.onChange(show);
    followed.add(reading);
    return reading;
  }

  /** @param {Reading} reading @param {any} announcement */
  function row({channel: its}, announcement) {
    const {title, text, author, at} = announcement;
    const name = title || plainText(text).slice(0, MAX_WORDS);
    const item = h(
      "li",
      {},
      h("a", {href: `${page.home}announcements`, dir: "auto"}, name),
      h("p", {}, isolated(author.name), " · ", where(its.topic, announcement), " · ", timeElement(at, dayAndTime)),
    );
    void receipts.need(({receiptLine}) => item.append(receiptLine(its, announcement, null)));
    return item;
  }

  /** @param {string} topic @param {any} announcement */
  function where(topic, {to = [topic]}) {
    return to.length > MOST_NAMED ? ngettext("to {n} class", "to {n} classes", to.length) : to.map(nameOf).join(", ");
  }

  /** @param {string} topic */
  function nameOf(topic) {
    return isClass(topic) ? isolated(titleOf(parseTopic(topic).id ?? 0)) : placeName(topic);
  }

  byId("announced-more").addEventListener("click", () => {
    first = rows.size;
    limit = LISTED;
    show();
  });
  socket.channel(DASHBOARD).onJoin(show); // which brings the titles
  channel.onJoin(({state}) => {
    listed = state.announced.map((/** @type {any} */ {payload}) => payload).reverse();
    show();
  });
  channel.on("announcement:listed", (/** @type {any} */ payload) => {
    listed = [payload, ...listed].slice(0, LISTED);
    show();
  });
}

/** @param {HTMLElement} place @param {HTMLElement[]} elements */
function arrange(place, elements) {
  const isSame = place.children.length === elements.length && elements.every((each, index) => place.children[index] === each);
  if (!isSame) place.replaceChildren(...elements);
}
