/**
 * Who has read an announcement, shown to who may know: counted live while it is on the screen, the names when it is opened: who has not
 * read first, then who has.
 */

import {h, setText} from "./dom.js";
import {_, ngettext, number} from "./language.js";

/** Readers come in over minutes; each look is a query of the server. */
const EVERY_MS = 5000;

/** @typedef {import("./page.js").User} User */
/** @typedef {{count: number, members: number, read: User[], unread?: User[]}} Answer the first to read, and how many have; who has not, if asked for */
/** @typedef {{channel: import("./client/channel.js").Channel, seq: number, element: HTMLDetailsElement, take: (answer: Answer) => void}} Receipt */

/** @type {Map<Element, Receipt>} */
const receipts = new Map();
/** @type {Set<Receipt>} those on the screen */
const visible = new Set();
let isLooking = false;

const observer = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    const receipt = receipts.get(target);
    if (receipt === undefined) continue;
    if (isIntersecting) visible.add(receipt);
    else visible.delete(receipt);
  }
  look();
});

/**
 * Make the line of one place to which an announcement went.
 * @param {import("./client/channel.js").Channel} channel
 * @param {{seq: number}} announcement
 * @param {string | null} where the name of the place; null where the announcement itself says it
 */
export function receiptLine(channel, {seq}, where) {
  const count = h("span", {class: "receipt-count"}, "…");
  const bar = /** @type {HTMLProgressElement} */ (h("progress", {max: 1, value: 0, "aria-hidden": "true"}));
  const names = h("div", {class: "readers", tabindex: "0"}, h("p", {}, _("Reading the names…")));
  const place = where === null ? null : h("span", {class: "receipt-where", dir: "auto"}, where);
  const element = /** @type {HTMLDetailsElement} */ (h("details", {class: "receipt"}, h("summary", {}, place, count, bar), names));
  const take = (/** @type {Answer} */ answer) => {
    setText(count, _("Read by {read} of {members}", {read: number(answer.count), members: number(answer.members)}));
    bar.max = Math.max(1, answer.members);
    bar.value = answer.count;
    if (answer.unread !== undefined) showNames(names, answer, answer.unread);
  };
  receipts.set(element, {channel, seq, element, take});
  element.addEventListener("toggle", () => element.open && look());
  observer.observe(element);
  return element;
}

/** First who has not read, whom one may have to remind. @param {HTMLElement} place @param {Answer} answer @param {User[]} unread */
function showNames(place, {count, members, read}, unread) {
  const shown = JSON.stringify([count, members, read, unread]);
  if (place.dataset.shown === shown) return; // a selection stays, and a list that was scrolled
  place.dataset.shown = shown;
  const left = members - count;
  const lists = [
    ...listOf(ngettext("Has not read ({n})", "Have not read ({n})", left), unread, left),
    ...listOf(ngettext("Has read ({n})", "Have read ({n})", count), read, count),
  ];
  place.replaceChildren(...lists);
}

/** @param {string} title @param {User[]} users the first of them @param {number} count of all */
function listOf(title, users, count) {
  if (count <= 0) return [];
  const names = users.map(({name}) => h("li", {}, h("bdi", {}, name)));
  const more = count - names.length;
  if (more > 0) names.push(h("li", {class: "more-names"}, ngettext("and {n} more", "and {n} more", more)));
  return [h("p", {class: "readers-title"}, title), h("ul", {}, ...names)];
}

/** One after the other: many at once would spend the user's push rate. */
async function look() {
  if (isLooking || document.visibilityState !== "visible") return;
  isLooking = true;
  for (const receipt of [...visible]) {
    if (!receipt.element.isConnected) forget(receipt);
    else if (receipt.channel.joined) await ask(receipt);
  }
  isLooking = false;
}

/** @param {Receipt} receipt */
async function ask({channel, seq, element, take}) {
  try {
    take(await channel.push("receipts:read", {seq, unread: element.open}));
  } catch {
    return; // the next look asks again
  }
}

/** @param {Receipt} receipt */
function forget(receipt) {
  visible.delete(receipt);
  receipts.delete(receipt.element);
  observer.unobserve(receipt.element);
}

setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);
