/**
 * Who has read an announcement, shown to who may know: counted live while it is on the screen, the names on request.
 */

import {h, setText} from "./dom.js";
import {_, ngettext, number} from "./language.js";

/** Readers come in over minutes; each look is a query of the server. */
const EVERY_MS = 5000;
/** More names than anybody reads; the count says the rest. */
const SHOWN_NAMES = 300;

/** @typedef {import("./page.js").User} User */
/** @typedef {{count: number, members: number, read: User[]}} Answer the first to read by name, and how many they are */
/** @typedef {{channel: import("./client/channel.js").Channel, seq: number, element: HTMLElement, take: (answer: Answer) => void}} Receipt */

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
 * @param {string} where
 */
export function receiptLine(channel, {seq}, where) {
  const count = h("span", {class: "receipt-count"}, "…");
  const bar = /** @type {HTMLProgressElement} */ (h("progress", {max: 1, value: 0, "aria-label": _("Read")}));
  const names = h("ul", {class: "readers"});
  const summary = h("summary", {}, h("span", {class: "receipt-where", dir: "auto"}, where), count, bar);
  const element = h("details", {class: "receipt"}, summary, names);
  const take = (/** @type {Answer} */ answer) => {
    setText(count, _("Read by {read} of {members}", {read: number(answer.count), members: number(answer.members)}));
    bar.max = Math.max(1, answer.members);
    bar.value = answer.count;
    showNames(names, answer.read, answer.count);
  };
  receipts.set(element, {channel, seq, element, take});
  observer.observe(element);
  return element;
}

/** @param {HTMLElement} place @param {User[]} readers @param {number} count */
function showNames(place, readers, count) {
  const names = readers.slice(0, SHOWN_NAMES).map(({name}) => name);
  if (count === 0) names.push(_("Nobody has read it yet."));
  if (count > names.length) names.push(ngettext("and {n} more", "and {n} more", count - names.length));
  const old = [...place.children].map((item) => item.textContent);
  if (old.join("\n") !== names.join("\n")) place.replaceChildren(...names.map((name) => h("li", {}, h("bdi", {}, name))));
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
async function ask({channel, seq, take}) {
  try {
    take(await channel.push("receipts:read", {seq}));
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
