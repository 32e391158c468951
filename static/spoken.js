/** Says what is new to who does not see it; many at once as one sentence, so that speech keeps up. */

import {ngettext} from "./language.js";
import {byId} from "./page.js";

const GATHER_MS = 900;
/** What is longer is read on the page: speech that goes on for minutes hides all that comes after it. */
const MAX_LENGTH = 400;

/** Said one by one; of more, only how many. */
const MAX_SAID = 2;

/** @type {string[]} */
let waiting = [];
let count = 0;
/** @type {Map<string, string>} */
const newest = new Map();

/** @param {string} text */
export function speak(text) {
  count += 1;
  if (count <= MAX_SAID) waiting.push(shortened(text));
  if (count === 1 && newest.size === 0) setTimeout(say, GATHER_MS);
}

/**
 * Say the newest of a kind, such as how many hands are up: what was not said yet is out of date.
 * @param {string} kind @param {string} text
 */
export function speakNewest(kind, text) {
  if (count === 0 && newest.size === 0) setTimeout(say, GATHER_MS);
  newest.set(kind, shortened(text));
}

/** Forget what is said, and what was to be said next. */
export function hush() {
  waiting = [];
  byId("spoken").textContent = "";
}

function say() {
  const several = ngettext("{n} new message", "{n} new messages", count);
  const said = count > MAX_SAID ? [several] : waiting;
  byId("spoken").textContent = [...newest.values(), ...said].join("\n");
  newest.clear();
  waiting = [];
  count = 0;
}

/** @param {string} text */
function shortened(text) {
  return text.length <= MAX_LENGTH ? text : `${Array.from(text).slice(0, MAX_LENGTH).join("")}…`;
}
