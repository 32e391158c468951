/**
 * Who has read an announcement, shown to who may know: counted live while it is on the screen, the names on request.
 */

import {h, setText} from "./dom.js";
import {_, list, number} from "./language.js";

/** Readers come in over minutes; each look is a query of the server. */
const EVERY_MS = 5000;
/** More names than anybody reads; the count says the rest. */
const SHOWN_NAMES = 300;

/** @typedef {{channel: import("./client/channel.js").Channel, seq: number, element: HTMLElement, take: (answer: any) => void}} Receipt */

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
 * @param {number} seq
 * @param {string} where
 */
export function receiptLine(channel, seq, where) {
  const count = h("span", {class: "receipt-count"}, "…");
  const bar = /** @type {HTMLProgressElement} */ (h("progress", {max: 1, value: 0, "aria-label": _("Read")}));
  const names = h("p", {class: "readers"});
  const summary = h("summary", {}, h("span", {class: "receipt-where"}, where), count, bar);
  const element = h("details", {class: "receipt"}, summary, names);
  const take = (/** @type {{read: {name: string}[], members: number}} */ {read, members}) => {
    setText(count, _("Read by {read} of {members}", {read: number(read.length), members: number(members)}));
    bar.max = Math.max(1, members);
    bar.value = read.length;
    setText(names, namesOf(read));
  };
  receipts.set(element, {channel, seq, element, take});
  observer.observe(element);
  return element;
}

/** @param {{name: string}[]} read */
function namesOf(read) {
  if (read.length === 0) return _("Nobody has read it yet.");
  const names = read.slice(0, SHOWN_NAMES).map(({name}) => name);
  return list(read.length > SHOWN_NAMES ? [...names, _("others")] : names);
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
