/** Says what is new to who does not see it; many at once as one sentence, so that speech keeps up. */

import {ngettext} from "./language.js";
import {byId} from "./page.js";

/** What comes so long after the first of several is said with them at once, sharing the frame that shows it. */
const GATHER_MS = 700;
const LATEST_MS = 900;
/** What is longer is read on the page: speech that goes on for minutes hides all that comes after it. */
const MAX_LENGTH = 400;

/** Said one by one; of more, only how many. */
const MAX_SAID = 2;

/** @type {string[]} */
let waiting = [];
let count = 0;
let timer = 0;
let since = 0;
/** @type {Map<string, string>} */
const newest = new Map();

/** @param {string} text */
export function speak(text) {
  count += 1;
  if (count <= MAX_SAID) waiting.push(shortened(text));
  saySoon();
}

/**
 * Say the newest of a kind, such as how many hands are up: what was not said yet is out of date.
 * @param {string} kind @param {string} text
 */
export function speakNewest(kind, text) {
  newest.set(kind, shortened(text));
  saySoon();
}

/** Forget what is said, and what was to be said next. */
export function hush() {
  waiting = [];
  byId("spoken").textContent = "";
}

function saySoon() {
  const now = performance.now();
  if (timer === 0) {
    since = now;
    timer = window.setTimeout(say, LATEST_MS);
  } else if (now - since >= GATHER_MS) say();
}

function say() {
  clearTimeout(timer);
  timer = 0;
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
