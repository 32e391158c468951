/**
 * Whose words stand at the top of the screen, where the name itself is above it: of a long message, or of several messages
 * of one author.
 */

import {byId} from "../page.js";

/** Show the author of the row that the upper edge of the screen cuts, if it cuts one. @param {HTMLElement | null} row */
export function showAuthorAbove(row) {
  const place = byId("author-above");
  const author = isOthers(row) ? /** @type {HTMLElement} */ (row).querySelector(".author") : null;
  if (place.textContent === (author?.textContent ?? "")) return;
  place.replaceChildren(...(author === null ? [] : [author.cloneNode(true)]));
}

/** One's own words need no name. @param {HTMLElement | null} row */
function isOthers(row) {
  return row !== null && row.matches(".row:not(.own)");
}
