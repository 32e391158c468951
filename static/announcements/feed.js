/**
 * All announcements to the user, the newest first. What went to several classes is one card with several places.
 *
 * One counts as read once it was on the screen; so positions, which only say "up to here", are moved only past what was
 * seen, and in a class never past chat that was not.
 */

import {announcementCard} from "../announcement.js";
import {unreadOf} from "../announcement_badge.js";
import {acknowledgement} from "./acknowledgement.js";
import {changeButton} from "./changing.js";
import {mine} from "../connection.js";
import {h, setText} from "../dom.js";
import {_, ngettext} from "../language.js";
import {byId, page} from "../page.js";
import {ANNOUNCEMENT, readingOf} from "../reading.js";
import {receiptLine} from "../receipts.js";
import {plainText} from "../text/parse.js";
import {dayAndTime} from "../time.js";
import {isClass, parseTopic} from "../topic.js";
import {Archive} from "./older.js";
import {placeName} from "./place.js";
import {isOver, isSame} from "./together.js";

/** @typedef {import("../reading.js").Reading} Reading */
/** @typedef {import("./older.js").Place} Place */
/** @typedef {{key: string, places: Place[], payload: any}} Group */

/** Places whose names fit on a line. */
const MOST_NAMED = 3;

const archive = new Archive();
/** @type {Map<string, HTMLElement>} */
let cards = new Map();
/** @type {WeakMap<Element, Group>} */
const groups = new WeakMap();
/** @type {Map<Reading, Set<number>>} positions of announcements that were on the screen */
const seen = new Map();

const observer = new IntersectionObserver(onScreen, {threshold: 0.5});

/** Show the announcements of a topic too. @param {Reading} reading */
export function follow(reading) {
  if (archive.readings.includes(reading)) return;
  archive.follow(reading);
  seen.set(reading, new Set());
  reading.onChange(show);
  show();
}

function show() {
  const now = grouped();
  const old = cards;
  cards = new Map(now.map((group) => [group.key, old.get(group.key) ?? makeCard(group)]));
  const hasSameCards = cards.size === old.size && [...cards.keys()].every((key) => old.has(key));
  if (!hasSameCards) showCards(old);
  const isKnown = archive.readings.every((reading) => reading.isKnown);
  byId("loading").hidden = isKnown || now.length > 0;
  byId("no-announcements").hidden = !isKnown || now.length > 0;
  byId("older-announcements").hidden = !archive.hasMore;
}

/** Where only older ones have come, those that are there stay as they are, and so do an open receipt and the focus.
 * @param {Map<string, HTMLElement>} old */
function showCards(old) {
  const elements = [...cards.values()];
  const isLonger = [...old.keys()].every((key, index) => cards.get(key) === elements[index]);
  if (isLonger) byId("announcements").append(...elements.slice(old.size));
  else byId("announcements").replaceChildren(...elements);
}

/** Read older announcements, and go to the first of them. */
async function showOlder() {
  const button = byId("older-announcements");
  const {size} = cards;
  button.disabled = true;
  try {
    await archive.readOlder();
    setText(button, _("Older announcements"));
  } catch {
    setText(button, _("Older announcements could not be read. Try again"));
  }
  button.disabled = false;
  show();
  const first = [...cards.values()][size];
  if (first !== undefined && document.activeElement === document.body) focusOn(first);
}

/** @param {HTMLElement} card */
function focusOn(card) {
  card.tabIndex = -1;
  card.focus({preventScroll: true});
}

byId("older-announcements").addEventListener("click", showOlder);

/** Of a class that is only looked up for what one has announced there, nothing else is shown. @param {Place} place */
function isShown({reading: {topic}, payload}) {
  return !page.topics.all_classes || !isClass(topic) || payload.author.id === page.me.id;
}

/** Follow what the user has announced to classes that this page does not join by itself. */
export function followOwn() {
  mine.onJoin(async () => {
    for (const event of ["announcement:made", "announcement:published"]) {
      const wanted = {before: Number.MAX_SAFE_INTEGER, limit: 50, event};
      const {events} = await mine.push("history:read", wanted).catch(() => ({events: []}));
      for (const {payload} of events) if (isClass(payload.to[0])) follow(readingOf(payload.to[0]));
    }
  });
  mine.on("announcement:published", ({to}) => isClass(to[0]) && follow(readingOf(to[0])));
}

/** @returns {Group[]} */
function grouped() {
  const places = archive.places().filter(isShown);
  /** @type {Group[]} */
  const all = [];
  for (const place of places) {
    const group = all.findLast((each) => isSame(each.payload, place.payload));
    if (group === undefined) all.push({key: "", places: [place], payload: place.payload});
    else group.places.push(place);
  }
  for (const group of all) group.key = keyOf(group);
  return all;
}

/** Another where it has changed: then its card is made anew. @param {Group} group */
function keyOf({places, payload: {corrected, withdrawn}}) {
  const where = places.map(({reading, payload}) => `${reading.topic}/${payload.seq}`);
  return [...where, corrected ?? "", withdrawn === undefined ? "" : "withdrawn"].join();
}

/** @param {Group} group */
function makeCard(group) {
  const {payload, places} = group;
  const {channel} = places[0].reading;
  const foot = [acknowledgement(channel, places[0].payload), receiptsOf(group)];
  const where = h("span", {}, ...whereTo(group));
  const card = announcementCard(payload, {format: dayAndTime, where, menu: changeButton(channel, places[0].payload), foot});
  if (payload.author.id !== page.me.id && !isOver(payload) && places.some(isUnread)) {
    card.querySelector(".announcement-author")?.before(h("span", {class: "new-mark"}, _("New")));
  }
  const item = h("li", {}, card);
  groups.set(item, group);
  observer.observe(item);
  return item;
}

/** Who made it, and a principal, sees one line for all places; another teacher those of their own. @param {Group} group */
function receiptsOf({payload, places}) {
  if (payload.withdrawn !== undefined) return null;
  const isWhole = payload.author.id === page.me.id || page.topics.all_classes;
  const known = places.filter(mayKnowReaders);
  const lines = (isWhole && payload.key !== undefined ? known.slice(0, 1) : known).map(({reading: {channel, topic}, payload: its}) => {
    return receiptLine(channel, its, !isWhole && places.length > 1 ? placeName(topic) : null);
  });
  return lines.length > 0 ? h("div", {class: "receipts"}, ...lines) : null;
}

/** Where one of a few may be opened; of many, only how many they are. @param {Group} group */
function whereTo({payload, places}) {
  const count = payload.to?.length ?? places.length;
  if (count > MOST_NAMED) return [ngettext("to {n} class", "to {n} classes", count)];
  if (payload.author.id === page.me.id && payload.to !== undefined) return [payload.to.map(placeName).join(", ")];
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
