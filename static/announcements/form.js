/** Writing an announcement, and following it to each place until the server has it. */

import {isolated} from "../bidi.js";
import {reason} from "../chat/outgoing.js";
import {lengthOf, showCounter} from "../counter.js";
import {h, icon, setText} from "../dom.js";
import {loadDraft, saveDraft} from "../draft.js";
import {_, ngettext} from "../language.js";
import {byId} from "../page.js";
import {readingOf} from "../reading.js";
import {startAudience} from "./audience.js";
import {isMeant} from "./confirmation.js";
import {placeName} from "./place.js";

const SEND = "announcement:send";
/** Long enough to see that it went. */
const DONE_MS = 6000;
/** The server's (channels/limit.py). */
const MAX_TITLE = 200;

/** Start the form. @param {(reading: import("../reading.js").Reading) => void} onPlace is told each place that is chosen */
export function startForm(onPlace) {
  const title = byId("title");
  const text = byId("text");
  const audience = startAudience();
  const show = () => {
    showCounter(byId("counter"), text.value);
    setText(byId("announce-button").querySelector("span"), buttonLabel(audience.topics()));
    byId("announce-problem").hidden = true;
  };

  async function announce() {
    const topics = audience.topics();
    if (topics.length === 0) return complain(audience.problem());
    const words = problemOf(title.value, text.value);
    if (words !== null) return complain({words, field: text});
    if (topics.length === 1 && !(await isMeant(topics[0]))) return byId("announce-button").focus();
    sendAll(topics);
  }

  /** @param {string[]} topics */
  function sendAll(topics) {
    for (const topic of topics) sendTo(topic, title.value.trim(), text.value.trim());
    title.value = text.value = "";
    saveDraft("announcement", "");
    show();
  }

  byId("announce").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    announce();
  });
  text.addEventListener("input", () => {
    saveDraft("announcement", text.value);
    show();
  });
  audience.onChange(() => {
    for (const topic of audience.topics()) onPlace(readingOf(topic));
    show();
  });
  text.value = loadDraft("announcement");
  show();
}

/** @param {string[]} topics */
function buttonLabel(topics) {
  if (topics.length === 0) return _("Announce");
  if (topics.length === 1) return _("Announce to: {place}", {place: placeName(topics[0])});
  return ngettext("Announce to {n} class", "Announce to {n} classes", topics.length);
}

/** @param {string} title @param {string} text @returns {string | null} */
function problemOf(title, text) {
  if (text.trim() === "") return _("Write what you want to announce.");
  if (!showCounter(byId("counter"), text) || lengthOf(title) > MAX_TITLE) return _("This text is too long.");
  return null;
}

/** @param {import("./audience.js").Problem} problem */
function complain({words, field}) {
  const place = byId("announce-problem");
  place.hidden = false;
  place.replaceChildren(icon("warning"), words);
  field.focus();
}

/** @param {string} topic @param {string} title @param {string} text */
function sendTo(topic, title, text) {
  showDelivery(readingOf(topic).channel.send(SEND, {title, text}), topic);
}

/** Show what is on its way from before this page was loaded again. @param {import("../reading.js").Reading} reading */
export function showUnsent(reading) {
  for (const delivery of reading.channel.unsent) if (delivery.event === SEND) showDelivery(delivery, reading.topic);
}

/** @param {import("../client/delivery.js").Delivery} delivery @param {string} topic */
function showDelivery(delivery, topic) {
  const item = h("li");
  byId("under-way").append(item);
  delivery.onState((state) => {
    item.className = state;
    item.replaceChildren(...lineOf(delivery, state, placeName(topic)));
    if (state === "cancelled") item.remove();
    if (state === "sent") setTimeout(() => item.remove(), DONE_MS);
  });
}

/** @param {import("../client/delivery.js").Delivery} delivery @param {string} state @param {string} place */
function lineOf(delivery, state, place) {
  if (state === "sent") return [icon("check"), h("span", {role: "status"}, _("Announced to: {place}", {place}))];
  if (state !== "failed") return [icon("clock"), _("On its way to: {place}", {place})];
  const retry = h("button", {class: "quiet-button", type: "button", onclick: () => delivery.retry()}, _("Try again"));
  const drop = h("button", {class: "quiet-button", type: "button", onclick: () => delivery.cancel()}, _("Delete"));
  return [icon("warning"), h("span", {role: "alert"}, `${isolated(place)}: ${reason(delivery.error)}`), retry, drop];
}
