/** The ways to what is new and not on the screen: how many messages are above, and how many below. */

import {h, icon, setHidden, setText} from "../dom.js";
import {_, ngettext} from "../language.js";
import {atMostEvery} from "../throttle.js";
import {byId} from "../page.js";

/** In a lively lesson the count above changes with each look at what was read; nobody reads it that often. */
const CALM_MS = 1000;

/**
 * @typedef {{above: number, below: number, isAtEnd: boolean}} Places
 * @param {{toUnread: () => void, toNewest: () => void, readAll: () => void}} ways
 * @returns {(places: Places) => void} shows what is where
 */
export function jumps({toUnread, toNewest, readAll}) {
  const above = byId("jump-above");
  const below = byId("jump");
  const aboveWords = h("span");
  const belowWords = h("span");
  above.append(
    h("button", {class: "jump-way", type: "button", onclick: toUnread}, icon("up"), aboveWords),
    h("button", {class: "jump-read", type: "button", onclick: readAll, title: _("Mark as read")}, icon("check"), h("span", {}, _("Mark as read"))),
  );
  below.append(belowWords, icon("down"));
  below.addEventListener("click", toNewest);
  let count = 0;
  const showCount = () => count > 0 && setText(aboveWords, newMessages(count));
  const showCountCalmly = atMostEvery(CALM_MS, showCount);
  return (places) => {
    count = places.above;
    if (above.hidden) showCount();
    else showCountCalmly();
    if (!places.isAtEnd) setText(belowWords, places.below > 0 ? newMessages(places.below) : _("To the newest"));
    setHidden(above, places.above === 0);
    setHidden(below, places.isAtEnd);
  };
}

/** @param {number} count */
function newMessages(count) {
  return ngettext("{n} new message", "{n} new messages", count);
}
