/**
 * Whose words stand at the top of the screen, where the name itself is above it: of a long message, or of several messages
 * of one author.
 */

import {byId} from "../page.js";

/** While rows move on, no name stands there: each change is one more frame, and nobody reads a name that flashes by. */
const REST_MS = 400;

let name = "";
let timer = 0;
/** The name to show when the rows rest. @type {Element | null} */
let waiting = null;

/** Show the author of the row that the upper edge of the screen cuts, if it cuts one. @param {HTMLElement | null} row */
export function showAuthorAbove(row) {
  const place = byId("author-above");
  const author = isOthers(row) ? /** @type {HTMLElement} */ (row).querySelector(".author") : null;
  const wanted = author?.textContent ?? "";
  if (wanted === name) return;
  name = wanted;
  if (place.childElementCount > 0) place.replaceChildren();
  waiting = author;
  waitForRest();
}

/** The rows have changed: a name that does not stand there yet waits. */
export function waitForRest() {
  clearTimeout(timer);
  if (waiting !== null) timer = window.setTimeout(show, REST_MS);
}

function show() {
  if (waiting !== null) byId("author-above").replaceChildren(waiting.cloneNode(true));
  waiting = null;
}

/** One's own words need no name. @param {HTMLElement | null} row */
function isOthers(row) {
  return row !== null && row.matches(".row:not(.own)");
}
