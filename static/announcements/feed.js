/**
 * All announcements to the user, the newest first. What went to several classes is one card with several places.
 *
 * One counts as read once it was on the screen; so positions, which only say "up to here", are moved only past what was
 * seen, and in a class never past chat that was not.
 */

import {announcementCard} from "../announcement.js";
import {unreadOf} from "../announcement_badge.js";
import {h, setText} from "../dom.js";
import {_} from "../language.js";
import {byId, page} from "../page.js";
import {ANNOUNCEMENT} from "../reading.js";
import {receiptLine} from "../receipts.js";
import {plainText} from "../text/parse.js";
import {dayAndTime} from "../time.js";
import {isClass, parseTopic} from "../topic.js";
import {placeName} from "./place.js";
import {isSame} from "./together.js";

/** @typedef {import("../reading.js").Reading} Reading */
/** @typedef {{reading: Reading, payload: any}} Place */
/** @typedef {{key: string, places: Place[], payload: any}} Group */

/** @type {Set<Reading>} */
const readings = new Set();
/** @type {Map<string, HTMLElement>} */
let cards = new Map();
/** @type {WeakMap<Element, Group>} */
const groups = new WeakMap();
/** @type {Map<Reading, Set<number>>} positions of announcements that were on the screen */
const seen = new Map();

const observer = new IntersectionObserver(onScreen, {threshold: 0.5});

/** Show the announcements of a topic too. @param {Reading} reading */
export function follow(reading) {
  if (readings.has(reading)) return;
  readings.add(reading);
  seen.set(reading, new Set());
  reading.onChange(show);
  show();
}

function show() {
  const now = grouped();
  const old = cards;
  cards = new Map(now.map((group) => [group.key, old.get(group.key) ?? makeCard(group)]));
  const hasSameCards = cards.size === old.size && [...cards.keys()].every((key) => old.has(key));
  if (!hasSameCards) byId("announcements").replaceChildren(...cards.values());
  const isKnown = [...readings].every((reading) => reading.isKnown);
  byId("loading").hidden = isKnown || now.length > 0;
  byId("no-announcements").hidden = !isKnown || now.length > 0;
}

/** @returns {Group[]} */
function grouped() {
  const places = [...readings].flatMap((reading) => reading.announcements.map(({payload}) => ({reading, payload})));
  places.sort((one, other) => other.payload.at - one.payload.at || other.payload.seq - one.payload.seq);
  /** @type {Group[]} */
  const all = [];
  for (const place of places) {
    const group = all.findLast((each) => isSame(each.payload, place.payload));
    if (group === undefined) all.push({key: "", places: [place], payload: place.payload});
    else group.places.push(place);
  }
  for (const group of all) group.key = group.places.map(({reading, payload}) => `${reading.topic}/${payload.seq}`).join();
  return all;
}

/** @param {Group} group */
function makeCard(group) {
  const {payload, places} = group;
  const card = announcementCard(payload, {format: dayAndTime, where: h("span", {}, ...whereTo(places))});
  if (payload.author.id !== page.me.id && places.some(isUnread)) {
    card.querySelector(".announcement-author")?.before(h("span", {class: "new-mark"}, _("New")));
  }
  const lines = places.filter(mayKnowReaders).map((place) => {
    return receiptLine(place.reading.channel, place.payload, placeName(place.reading.topic));
  });
  if (lines.length > 0) card.append(h("div", {class: "receipts"}, ...lines));
  const item = h("li", {}, card);
  groups.set(item, group);
  observer.observe(item);
  return item;
}

/** @param {Place[]} places */
function whereTo(places) {
  return places.flatMap(({reading: {topic}}, index) => {
    const name = placeName(topic);
    const {id} = parseTopic(topic);
    const place = id === undefined ? name : h("a", {href: `${page.home}classes/${id}`}, name);
    return index === 0 ? [place] : [", ", place];
  });
}

/** @param {Place} place */
function isUnread({reading, payload}) {
  return unreadOf(reading.topic)?.has(payload) ?? payload.seq > reading.read;
}

/** @param {Place} place */
function mayKnowReaders({reading: {topic}}) {
  const {receipts} = page.topics;
  return receipts.includes(topic) || receipts.includes(parseTopic(topic).kind);
}

/** @param {IntersectionObserverEntry[]} entries */
function onScreen(entries) {
  for (const {target, isIntersecting} of entries) {
    if (!isIntersecting || document.visibilityState !== "visible") continue;
    for (const {reading, payload} of groups.get(target)?.places ?? []) seen.get(reading)?.add(payload.seq);
  }
  for (const [reading, positions] of seen) {
    markSeen(reading);
    unreadOf(reading.topic)?.markSeen(positions);
  }
}

/** @param {Reading} reading */
function markSeen(reading) {
  if (reading.hasMoreUnread && isClass(reading.topic)) return;
  let position = reading.read;
  for (const {event, payload} of [...reading.announcements, ...reading.events].sort(bySeq)) {
    if (payload.seq <= position) continue;
    const isOwn = payload.author.id === page.me.id;
    if (!isOwn && !(event === ANNOUNCEMENT && seen.get(reading)?.has(payload.seq))) break;
    position = payload.seq;
  }
  reading.mark(position);
}

/** @param {{payload: any}} one @param {{payload: any}} other */
function bySeq(one, other) {
  return one.payload.seq - other.payload.seq;
}

document.addEventListener("visibilitychange", () => {
  for (const card of cards.values()) {
    observer.unobserve(card);
    observer.observe(card);
  }
});

/** Say a new announcement to who does not see it. @param {Reading} reading */
export function announceAloud(reading) {
  reading.channel.on(ANNOUNCEMENT, ({author, title, text}) => {
    if (author.id !== page.me.id) setText(byId("spoken"), `${author.name}: ${title} ${plainText(text)}`);
  });
}
