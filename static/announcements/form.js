/** Writing an announcement, and following it until the server has it. What is rarely wanted stands under "More". */

import {isolated} from "../bidi.js";
import {reason} from "../chat/outgoing.js";
import {mine} from "../connection.js";
import {lengthOf, showCounter} from "../counter.js";
import {h, icon, setText} from "../dom.js";
import {loadDraft, saveDraft} from "../draft.js";
import {_, ngettext} from "../language.js";
import {byId} from "../page.js";
import {readingOf} from "../reading.js";
import {dayAndTime} from "../time.js";
import {startAudience} from "./audience.js";
import {isMeant} from "./confirmation.js";
import {startOptions} from "./options.js";
import {placeName} from "./place.js";

const SEND = "announcement:send";
/** Long enough to see that it went. */
const DONE_MS = 6000;
/** The server's (channels/limit.py). */
const MAX_TITLE = 200;

/** @typedef {import("./plans.js").Plan} Plan */
/** @typedef {import("./audience.js").Problem} Problem */

/**
 * Start the form; returns a function that takes an announcement that waits, to change it.
 * @param {(reading: import("../reading.js").Reading) => void} onPlace is told each place whose announcements are to be shown
 * @returns {(plan: Plan) => void}
 */
export function startForm(onPlace) {
  const title = byId("title");
  const text = byId("text");
  const audience = startAudience();
  const options = startOptions();
  /** @type {Plan | null} the one that this takes the place of */
  let changed = null;

  const show = () => {
    showCounter(byId("counter"), text.value);
    const quietUntil = options.quietUntil();
    setText(byId("announce-button").querySelector("span"), buttonLabel(audience.topics(), quietUntil ?? options.publishAt()));
    setText(byId("quiet-note"), quietUntil === null ? "" : _("The school has quiet hours: it waits until {time}, unless it is urgent.", {time: dayAndTime(quietUntil)}));
    byId("announce-problem").hidden = true;
    byId("changing").hidden = changed === null;
  };

  async function announce() {
    const topics = audience.topics();
    const problem = problemOf(title.value, text) ?? audience.problem() ?? options.problem();
    if (problem !== null) return complain(problem);
    if (!(await isMeant(topics))) return byId("announce-button").focus();
    onPlace(readingOf(topics[0]));
    const replaces = changed === null ? {} : {replaces: changed.seq};
    showDelivery(mine.send(SEND, {title: title.value.trim(), text: text.value.trim(), to: topics, ...options.chosen(), ...replaces}));
    clear();
  }

  function clear() {
    title.value = text.value = "";
    saveDraft("announcement", "");
    options.clear();
    changed = null;
    show();
  }

  /** @param {Plan} plan */
  function change(plan) {
    changed = plan;
    title.value = plan.title;
    text.value = plan.text;
    audience.choose(plan.to);
    options.choose(plan);
    show();
    text.focus();
  }

  byId("announce").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    announce();
  });
  text.addEventListener("input", () => {
    saveDraft("announcement", text.value);
    show();
  });
  byId("change-nothing").addEventListener("click", clear);
  byId("announce").addEventListener("change", show);
  audience.onChange(() => {
    const [first] = audience.topics();
    if (first !== undefined) onPlace(readingOf(first));
    show();
  });
  text.value = loadDraft("announcement");
  for (const delivery of mine.unsent) if (delivery.event === SEND) showDelivery(delivery);
  show();
  return change;
}

/** @param {string[]} topics @param {number | null} publishAt */
function buttonLabel(topics, publishAt) {
  if (publishAt !== null) return _("Announce at {time}", {time: dayAndTime(publishAt)});
  if (topics.length === 0) return _("Announce");
  if (topics.length === 1) return _("Announce to: {place}", {place: placeName(topics[0])});
  return ngettext("Announce to {n} class", "Announce to {n} classes", topics.length);
}

/** @param {string} title @param {HTMLTextAreaElement} field @returns {Problem | null} */
function problemOf(title, field) {
  if (field.value.trim() === "") return {words: _("Write what you want to announce."), field};
  const isLong = !showCounter(byId("counter"), field.value) || lengthOf(title) > MAX_TITLE;
  return isLong ? {words: _("This text is too long."), field} : null;
}

/** @param {Problem} problem */
function complain({words, field}) {
  const place = byId("announce-problem");
  place.hidden = false;
  place.replaceChildren(icon("warning"), words);
  field.focus();
}

/** Show what is on its way in a topic from before this page was loaded again, as former releases sent it. @param {import("../reading.js").Reading} reading */
export function showUnsent(reading) {
  for (const delivery of reading.channel.unsent) if (delivery.event === SEND) showDelivery(delivery, [reading.topic]);
}

/** @param {import("../client/delivery.js").Delivery} delivery @param {string[]} topics */
function showDelivery(delivery, topics = delivery.payload.to) {
  const item = h("li");
  byId("under-way").append(item);
  delivery.onState((state) => {
    item.className = state;
    item.replaceChildren(...lineOf(delivery, state, placesName(topics)));
    if (state === "cancelled") item.remove();
    if (state === "sent") setTimeout(() => item.remove(), DONE_MS);
  });
}

/** @param {string[]} topics */
function placesName(topics) {
  return topics.length === 1 ? placeName(topics[0]) : ngettext("{n} class", "{n} classes", topics.length);
}

/** @param {import("../client/delivery.js").Delivery} delivery @param {string} state @param {string} place */
function lineOf(delivery, state, place) {
  const publishAt = delivery.payload.publish_at;
  if (state === "sent") return [icon("check"), h("span", {role: "status"}, publishAt ? _("It goes out at {time}.", {time: dayAndTime(publishAt)}) : _("Announced to: {place}", {place}))];
  if (state !== "failed") return [icon("clock"), _("On its way to: {place}", {place})];
  const retry = h("button", {class: "quiet-button", type: "button", onclick: () => delivery.retry()}, _("Try again"));
  const drop = h("button", {class: "quiet-button", type: "button", onclick: () => delivery.cancel()}, _("Delete"));
  return [icon("warning"), h("span", {role: "alert"}, `${isolated(place)}: ${reason(delivery.error)}`), retry, drop];
}
