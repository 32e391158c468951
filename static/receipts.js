/**
 * How far an announcement has come, shown to who may know: asked once it is on the screen, and then told by the server as
 * it moves. Opened, it names who is missing, and why, before who is not, and reminds those who are missing by one press.
 */

import {newIdentifier} from "./client/identifier.js";
import {isOver} from "./announcements/together.js";
import {h, icon, setText} from "./dom.js";
import {_, ngettext, number} from "./language.js";
import {page} from "./page.js";

/** After a question that got no answer. */
const RETRY_MS = 3000;

/** @typedef {import("./page.js").User} User */
/** @typedef {"read" | "delivered" | "waiting" | "unreachable"} State how far it has come with somebody who is missing */
/**
 * Of `members`, how many have `read` it and `acknowledged` it, if it asks for that; the first of those who are missing, and of
 * the others, if they were asked for.
 * @typedef {{target: number, members: number, reachable: number, delivered: number, read: number, acknowledged?: number, missing?: {user: User, state: State}[], done?: User[]}} Progress
 */
/** @typedef {import("./client/channel.js").Channel} Channel */
/** @typedef {{channel: Channel, seq: number, element: HTMLDetailsElement, take: (progress: Progress) => void}} Receipt */

/** @type {Map<Element, Receipt>} */
const receipts = new Map();
/** @type {Set<Receipt>} those on the screen */
const visible = new Set();
/** Those of which the server is to be asked. @type {Set<Receipt>} */
const wanted = new Set();
/** Those whose answers go on. @type {WeakSet<Channel>} */
const followed = new WeakSet();
let isAsking = false;

const observer = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    const receipt = receipts.get(target);
    if (receipt === undefined) continue;
    if (isIntersecting) {
      visible.add(receipt);
      want(receipt);
    } else if (target.isConnected) visible.delete(receipt);
    else forget(receipt);
  }
});

/**
 * Make the line of an announcement, or of one place to which it went.
 * @param {Channel} channel
 * @param {any} announcement
 * @param {string | null} where the name of the place; null where the announcement itself says it
 */
export function receiptLine(channel, announcement, where) {
  const count = h("span", {class: "receipt-count"}, "…");
  const bar = /** @type {HTMLProgressElement} */ (h("progress", {max: 1, value: 0, "aria-hidden": "true"}));
  const names = h("div", {class: "readers", tabindex: "0"}, h("p", {}, _("Reading the names…")));
  const place = where === null ? null : h("span", {class: "receipt-where", dir: "auto"}, where);
  const remind = remindButton(channel, announcement);
  const element = /** @type {HTMLDetailsElement} */ (h("details", {class: "receipt"}, h("summary", {}, place, count, bar), remind, names));
  const take = (/** @type {Progress} */ progress) => {
    const done = progress.acknowledged ?? progress.read;
    setText(count, words(progress));
    bar.max = Math.max(1, progress.members);
    bar.value = done;
    if (remind !== null) remind.hidden = done >= progress.members;
    if (progress.missing !== undefined) showNames(names, progress);
  };
  const receipt = {channel, seq: announcement.seq, element, take};
  receipts.set(element, receipt);
  element.addEventListener("toggle", () => want(receipt));
  observer.observe(element);
  return element;
}

/** @param {Progress} progress */
function words({members, read, acknowledged}) {
  if (acknowledged === undefined) return _("Read by {read} of {members}", {read: number(read), members: number(members)});
  return _("Confirmed by {confirmed} of {members}", {confirmed: number(acknowledged), members: number(members)});
}

/** First who is missing, whom one may have to remind. @param {HTMLElement} place @param {Progress} progress */
function showNames(place, {members, acknowledged, read, missing = [], done = []}) {
  const shown = JSON.stringify([members, acknowledged, read, missing, done]);
  if (place.dataset.shown === shown) return; // a selection stays, and a list that was scrolled
  place.dataset.shown = shown;
  const count = acknowledged ?? read;
  const left = members - count;
  const asks = acknowledged !== undefined;
  const titles = asks
    ? [ngettext("Has not confirmed ({n})", "Have not confirmed ({n})", left), ngettext("Has confirmed ({n})", "Have confirmed ({n})", count)]
    : [ngettext("Has not read ({n})", "Have not read ({n})", left), ngettext("Has read ({n})", "Have read ({n})", count)];
  place.replaceChildren(
    ...(left > 0 ? [h("p", {class: "readers-title"}, titles[0]), ...missingLists(missing, left)] : []),
    ...(count > 0 ? [h("p", {class: "readers-title"}, titles[1]), nameList(done, count)] : []),
  );
}

/** By what keeps them, the furthest first; where it is the same for all, one list. @param {{user: User, state: State}[]} missing @param {number} count of all */
function missingLists(missing, count) {
  const notes = {read: _("Have read it"), delivered: _("Received on a device"), waiting: _("Not connected since"), unreachable: _("Not signed in anywhere")};
  const groups = /** @type {State[]} */ (Object.keys(notes)).map((state) => ({state, users: missing.filter((each) => each.state === state).map(({user}) => user)}));
  const shown = groups.filter(({users}) => users.length > 0);
  const more = count - missing.length;
  return shown.flatMap(({state, users}, index) => {
    return [h("p", {class: "reader-note"}, notes[state]), nameList(users, users.length + (index === shown.length - 1 ? more : 0))];
  });
}

/** @param {User[]} users the first of them @param {number} count of all */
function nameList(users, count) {
  const names = users.map(({name}) => h("li", {}, h("bdi", {}, name)));
  const more = count - names.length;
  if (more > 0) names.push(h("li", {class: "more-names"}, ngettext("and {n} more", "and {n} more", more)));
  return h("ul", {}, ...names);
}

// Reminding

/** The author's and the principal's. @param {Channel} channel @param {any} announcement */
function remindButton(channel, announcement) {
  const mayRemind = announcement.author.id === page.me.id || page.topics.all_classes;
  if (!mayRemind || announcement.key === undefined || isOver(announcement)) return null;
  const said = h("span", {role: "status"});
  const button = /** @type {HTMLButtonElement} */ (h("button", {class: "remind", type: "button", onclick: () => remind()}, icon("announcement"), _("Remind those who are missing")));
  const remind = async () => {
    button.disabled = true;
    try {
      await channel.push("announcement:remind", {target: announcement.seq, id: newIdentifier()});
      setText(said, _("They were reminded."));
    } catch (error) {
      button.disabled = false;
      setText(said, remindProblem(error));
    }
  };
  return h("p", {class: "remind-line"}, button, said);
}

/** @param {any} error */
function remindProblem(error) {
  if (error?.code === "too_fast") return _("They were reminded a moment ago. Try again in some minutes.");
  return _("It did not work. Try again in a moment.");
}

// Asking

/** @param {Receipt} receipt */
function want(receipt) {
  followChannel(receipt.channel);
  wanted.add(receipt);
  void askAll();
}

/** One after the other: many at once would spend the user's push rate. */
async function askAll() {
  if (isAsking) return;
  isAsking = true;
  for (const receipt of wanted) {
    wanted.delete(receipt);
    if (receipt.channel.joined) await ask(receipt);
  }
  isAsking = false;
}

/** @param {Receipt} receipt */
async function ask(receipt) {
  const {channel, seq, element, take} = receipt;
  try {
    take(await channel.push("announcement:progress", {target: seq, names: element.open, live: true}));
  } catch {
    setTimeout(() => visible.has(receipt) && want(receipt), RETRY_MS);
  }
}

/** Show what the server tells of a channel's announcements; after each join it is asked anew. @param {Channel} channel */
function followChannel(channel) {
  if (followed.has(channel)) return;
  followed.add(channel);
  channel.onJoin(() => of(channel).forEach((receipt) => visible.has(receipt) && want(receipt)));
  channel.on("announcement:progressed", (/** @type {any} */ progress) => {
    for (const receipt of of(channel)) if (receipt.seq === progress.target) receipt.take(progress);
  });
}

/** @param {Channel} channel */
function of(channel) {
  return [...receipts.values()].filter((receipt) => receipt.channel === channel);
}

/** @param {Receipt} receipt */
function forget(receipt) {
  visible.delete(receipt);
  receipts.delete(receipt.element);
  observer.unobserve(receipt.element);
}
