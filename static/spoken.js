/** Says what is new to who does not see it; many at once as one sentence, so that speech keeps up. */

import {ngettext} from "./language.js";
import {byId} from "./page.js";

const GATHER_MS = 900;

/** @type {string[]} */
let waiting = [];

/** @param {string} text */
export function speak(text) {
  if (waiting.push(text) === 1) setTimeout(say, GATHER_MS);
}

function say() {
  const place = byId("spoken");
  const several = ngettext("{n} new message", "{n} new messages", waiting.length);
  place.textContent = waiting.length > 2 ? several : waiting.join("\n");
  waiting = [];
}
