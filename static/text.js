/** What somebody wrote, as text: kept as it was written, with its web addresses as links. */

import {h} from "./dom.js";

/** What begins with http:// or https:// up to white space or a bracket; the sentence's last marks are not part of it. */
const ADDRESS = /https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]}]/gi;

/**
 * Return the pieces of a text: strings, and links where it has addresses.
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
export function withLinks(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    if (!URL.canParse?.(match[0]) && URL.canParse !== undefined) continue;
    pieces.push(text.slice(end, match.index), link(match[0]));
    end = match.index + match[0].length;
  }
  return [...pieces, text.slice(end)].filter((piece) => piece !== "");
}

/** @param {string} address */
function link(address) {
  return h("a", {href: address, target: "_blank", rel: "noopener noreferrer nofollow"}, address);
}
