/**
 * How many announcements are unread, of all that the page of announcements lists: beside the word in the navigation, in the
 * tab's title and on its icon. What went to several topics of the user's at once counts once, as it is one card there.
 */

import {showReminders} from "./announcements/reminded.js";
import {seenHere} from "./announcements/seen.js";
import {isSame} from "./announcements/together.js";
import {UnreadAnnouncements} from "./announcements/unread.js";
import {mine} from "./connection.js";
import {h} from "./dom.js";
import {ngettext, number} from "./language.js";
import {page} from "./page.js";
import {ANNOUNCEMENT, readingOf} from "./reading.js";
import {showInTab} from "./tab_sign.js";
import {classTopic, isClass} from "./topic.js";

/** @type {Map<string, {unread: UnreadAnnouncements, end: () => void}>} */
const followed = new Map();
const place = h("span", {class: "badge-place"});
const seen = seenHere(page.me.id);

/** Show the badge, and keep it up to date. */
export function showAnnouncementBadge() {
  document.querySelector("[data-announcements]")?.append(place);
  seen.onChange(show);
  showReminders();
  mine.onJoin(({response}) => {
    seen.open(response.epoch);
    if (response.topics) sync(response.topics);
  });
  mine.on("rights:changed", ({topics}) => sync(topics));
  sync([...page.topics.wide, ...(page.classes ?? []).map(({id}) => classTopic(id))].map((topic) => ({topic})));
}

/** The unread ones of a topic, if it is one of those that are followed. @param {string} topic */
export function unreadOf(topic) {
  return followed.get(topic)?.unread;
}

/** Follow those that the page of announcements lists, and no others. @param {{topic: string}[]} topics */
function sync(topics) {
  const names = new Set(topics.map(({topic}) => topic).filter(isListed));
  for (const [name, {end}] of followed) {
    if (names.has(name)) continue;
    end();
    followed.delete(name);
  }
  for (const name of names) if (!followed.has(name)) follow(name);
  show();
}

/** Who has every class does not read what is announced in each. @param {string} topic */
function isListed(topic) {
  return page.topics.wide.includes(topic) || (isClass(topic) && !page.topics.all_classes);
}

/** @param {string} topic */
function follow(topic) {
  const reading = readingOf(topic);
  /** @param {number} after @param {number} before */
  const count = async (after, before) => {
    return (await reading.channel.push("unread:count", {after, before, event: ANNOUNCEMENT})).count;
  };
  const unread = new UnreadAnnouncements({reading, seen, me: page.me.id, count, changed: show});
  followed.set(topic, {unread, end: reading.onChange(show)});
}

function show() {
  const count = countUnread();
  showInTab("announcements", count);
  if (place.dataset.count === String(count)) return;
  place.dataset.count = String(count);
  const words = ngettext("{n} new announcement", "{n} new announcements", count);
  const sign = () => h("span", {class: "count", title: words}, number(count), hidden(words));
  place.replaceChildren(...(count > 0 ? [sign()] : []));
}

function countUnread() {
  /** @type {import("./announcements/unread.js").Announcement[]} */
  const cards = [];
  let older = 0;
  for (const {unread} of followed.values()) {
    for (const payload of unread.listed()) if (!cards.some((card) => isSame(card, payload))) cards.push(payload);
    older += unread.older();
  }
  return cards.length + older;
}

/** @param {string} words */
function hidden(words) {
  return h("span", {class: "visually-hidden"}, ` ${words}`);
}
