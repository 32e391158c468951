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

/** @param {string} text */
export function speak(text) {
  count += 1;
  if (count <= MAX_SAID) waiting.push(shortened(text));
  if (count === 1) setTimeout(say, GATHER_MS);
}

/** Forget what is said, and what was to be said next. */
export function hush() {
  waiting = [];
  byId("spoken").textContent = "";
}

function say() {
  const several = ngettext("{n} new message", "{n} new messages", count);
  byId("spoken").textContent = count > MAX_SAID ? several : waiting.join("\n");
  waiting = [];
  count = 0;
}

/** @param {string} text */
function shortened(text) {
  return text.length <= MAX_LENGTH ? text : `${Array.from(text).slice(0, MAX_LENGTH).join("")}…`;
}
