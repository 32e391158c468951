/** The page that finds messages and announcements: asks the server, and leads from each hit to its place. */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {connect, mine} from "./connection.js";
import {h} from "./dom.js";
import {_, ngettext} from "./language.js";
import {closeMenus} from "./menu.js";
import {byId, page} from "./page.js";
import {dayName, clockTime, timeElement} from "./time.js";
import {parseTopic} from "./topic.js";

/**
 * @typedef {{topic: string, seq: number, at: number, author: {name: string}, title: string, excerpt: string, words: string[]}} Hit
 * @typedef {{at: number, number: number}} Place
 */

const form = /** @type {HTMLFormElement} */ (byId("search"));
const field = /** @type {HTMLInputElement} */ (byId("search-text"));
const only = /** @type {HTMLInputElement | null} */ (document.getElementById("search-topic"));
const more = /** @type {HTMLButtonElement} */ (byId("more-hits"));
/** How many searches were begun: an answer to an earlier one is out of date. */
let begun = 0;
/** @type {Place | undefined} where the next hits begin */
let next;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = new URLSearchParams({text: field.value.trim(), ...(only?.checked && {topic: only.value})});
  window.history.replaceState(null, "", `?${chosen}`);
  void find(undefined);
});
more.addEventListener("click", () => void find(next));

/** @param {Place | undefined} before */
async function find(before) {
  const text = field.value.trim();
  if (text === "") return;
  begun += 1;
  const mineIs = begun;
  if (before === undefined) byId("hits").replaceChildren();
  more.hidden = true;
  say(_("Searching…"));
  try {
    const found = await mine.push("search:find", {text, ...(only?.checked && {topic: only.value}), ...(before && {before})});
    if (mineIs === begun) show(found);
  } catch {
    if (mineIs === begun) say(_("Try again in a moment."));
  }
}

/** @param {{hits: Hit[], next?: Place}} found */
function show({hits, next: rest}) {
  const first = byId("hits").children.length;
  byId("hits").append(...hits.map(row));
  next = rest;
  more.hidden = rest === undefined;
  const count = byId("hits").children.length;
  say(count === 0 ? _("Nothing was found. Whole words are found, in any form, with or without accents.") : ngettext("{n} result", "{n} results", count));
  // Who asked for more reads on with the first of them.
  if (first > 0) /** @type {HTMLElement | null} */ (byId("hits").children[first]?.querySelector("a"))?.focus();
}

/** @param {string} words */
function say(words) {
  byId("search-state").textContent = words;
}

/** @param {Hit} hit */
function row({topic, seq, at, author, title, excerpt, words}) {
  const {id} = parseTopic(topic);
  const href = id === undefined ? `${page.home}announcements` : `${page.home}classes/${id}#seq=${seq}`;
  const where = page.classes.find((each) => each.id === id)?.title ?? _("Announcement");
  return h(
    "li",
    {},
    h(
      "a",
      {href},
      h("span", {class: "hit-where muted"}, h("bdi", {}, where), ` · ${dayName(at)}, `, timeElement(at, clockTime)),
      h("span", {class: "hit-text"}, h("strong", {}, h("bdi", {}, author.name), ": "), title === "" ? null : h("strong", {}, h("bdi", {}, title), " "), h("bdi", {}, ...marked(excerpt, words))),
    ),
  );
}

/** The excerpt with its found words marked. @param {string} excerpt @param {string[]} words */
function marked(excerpt, words) {
  const found = new Set(words);
  return excerpt.split(/([\p{L}\p{N}\p{M}]+)/u).map((part) => (found.has(part) ? h("mark", {}, part) : part));
}

if (field.value.trim() !== "") void find(undefined);
showAnnouncementBadge();
closeMenus();
connect();
