/** How much room is left in a text: said only where it matters, near the server's bound. */

import {setText} from "./dom.js";
import {_, ngettext, number} from "./language.js";

/** As the server counts them (channels/limit.py). */
export const MAX_CHARACTERS = 4000;
/** From here on the rest is shown. */
const SHOWN_FROM = 3600;

/** The length as the server counts it, in code points: an emoji is one or a few, and two or more to `length`.
 * @param {string} text */
export function lengthOf(text) {
  let length = 0;
  for (const _point of text) length += 1;
  return length;
}

/**
 * Show the counter of a text, and say whether it may be sent.
 * @param {HTMLElement} counter
 * @param {string} text
 */
export function showCounter(counter, text) {
  const left = MAX_CHARACTERS - (text.length < SHOWN_FROM ? text.length : lengthOf(text));
  counter.classList.toggle("over", left < 0);
  setText(counter, left > MAX_CHARACTERS - SHOWN_FROM ? "" : words(left));
  return left >= 0 && text.trim() !== "";
}

/** @param {number} left */
function words(left) {
  if (left < 0) return ngettext("{n} character too many", "{n} characters too many", -left);
  return _("{left} of {all} left", {left: number(left), all: number(MAX_CHARACTERS)});
}
