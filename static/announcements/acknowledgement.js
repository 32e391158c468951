/**
 * The reader's answer to an announcement that asks for it: one large button, then that it was given.
 *
 * What the user has confirmed before, here or elsewhere, is asked of the server once for all announcements of a topic that
 * are shown together. An answer that is on its way survives a reload, as a message does.
 */

import {mine} from "../connection.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";
import {parseTopic} from "../topic.js";
import {isOver} from "./together.js";

const ACKNOWLEDGE = "announcement:acknowledge";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../client/delivery.js").Delivery} Delivery */

/** @type {Map<string, HTMLElement>} what is shown of each, by topic and position */
const shown = new Map();
/** @type {Set<string>} those that the user has confirmed */
const confirmed = new Set();
/** @type {Map<Channel, Set<number>>} what is to be asked of the server */
let wanted = new Map();

/** @param {string} topic @param {number} target */
function keyOf(topic, target) {
  return `${topic}/${target}`;
}

/** Whether the user is one of those who are asked. @param {string} topic @param {any} announcement */
export function isAsked(topic, announcement) {
  const {acknowledges} = page.topics;
  const mayAnswer = acknowledges.includes(topic) || acknowledges.includes(parseTopic(topic).kind);
  return mayAnswer && announcement.acknowledge === true && announcement.author.id !== page.me.id && !isOver(announcement);
}

/** The place for the answer; null where none is asked for. @param {Channel} channel @param {any} announcement */
export function acknowledgement(channel, announcement) {
  if (!isAsked(channel.topic, announcement)) return null;
  const {seq} = announcement;
  const key = keyOf(channel.topic, seq);
  const place = h("div", {class: "acknowledgement"});
  shown.set(key, place);
  const underWay = channel.unsent.find(({event, payload}) => event === ACKNOWLEDGE && payload.target === seq);
  if (underWay !== undefined) follow(place, channel, seq, underWay);
  else if (confirmed.has(key)) showDone(place);
  else {
    showButton(place, channel, seq);
    askSoon(channel, seq);
  }
  return place;
}

/** @param {HTMLElement} place @param {Channel} channel @param {number} seq */
function showButton(place, channel, seq) {
  const confirm = () => follow(place, channel, seq, channel.send(ACKNOWLEDGE, {target: seq}));
  place.replaceChildren(h("button", {class: "button acknowledge", type: "button", onclick: confirm}, icon("check"), _("I have read this")));
}

/** @param {HTMLElement} place */
function showDone(place) {
  place.replaceChildren(h("p", {class: "acknowledged", role: "status"}, icon("check"), _("You have confirmed this.")));
}

/** @param {HTMLElement} place @param {Channel} channel @param {number} seq @param {Delivery} delivery */
function follow(place, channel, seq, delivery) {
  delivery.onState((state) => {
    if (state === "sent") took(channel.topic, seq);
    else if (state === "failed") showFailure(place, delivery);
    else if (state === "cancelled") showButton(place, channel, seq);
    else place.replaceChildren(h("p", {class: "acknowledged"}, icon("clock"), _("On its way…")));
  });
}

/** @param {HTMLElement} place @param {Delivery} delivery */
function showFailure(place, delivery) {
  const retry = h("button", {class: "button acknowledge", type: "button", onclick: () => delivery.retry()}, _("Try again"));
  place.replaceChildren(h("p", {class: "acknowledged", role: "alert"}, icon("warning"), _("It did not work. Try again in a moment.")), retry);
}

/** @param {string} topic @param {number} target */
function took(topic, target) {
  const key = keyOf(topic, target);
  confirmed.add(key);
  const place = shown.get(key);
  if (place?.isConnected) showDone(place);
}

/** All that are shown in one frame are asked for together. @param {Channel} channel @param {number} seq */
function askSoon(channel, seq) {
  if (wanted.size === 0) queueMicrotask(ask);
  wanted.set(channel, (wanted.get(channel) ?? new Set()).add(seq));
}

function ask() {
  const all = wanted;
  wanted = new Map();
  for (const [channel, targets] of all) {
    channel.push("acknowledged:read", {targets: [...targets].slice(-50)}).then(
      (answer) => answer.targets.forEach((/** @type {number} */ target) => took(channel.topic, target)),
      () => {}, // the button stays: to confirm again does nothing more
    );
  }
}

mine.on("acknowledged:marked", ({topic, target}) => took(topic, target));
