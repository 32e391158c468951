/**
 * Whose words stand at the top of the screen, where the name itself is above it: of a long message, or of several messages
 * of one author.
 */

import {byId} from "../page.js";

/** While rows move on, no name stands there: each change is one more frame, and nobody reads a name that flashes by. */
const REST_MS = 400;

let name = "";
let timer = 0;

/** Show the author of the row that the upper edge of the screen cuts, if it cuts one. @param {HTMLElement | null} row */
export function showAuthorAbove(row) {
  const place = byId("author-above");
  const author = isOthers(row) ? /** @type {HTMLElement} */ (row).querySelector(".author") : null;
  const wanted = author?.textContent ?? "";
  if (wanted === name) return;
  name = wanted;
  clearTimeout(timer);
  if (place.childElementCount > 0) place.replaceChildren();
  if (author !== null) timer = window.setTimeout(() => place.replaceChildren(author.cloneNode(true)), REST_MS);
}

/** One's own words need no name. @param {HTMLElement | null} row */
function isOthers(row) {
  return row !== null && row.matches(".row:not(.own)");
}
