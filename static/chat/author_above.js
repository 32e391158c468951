/**
 * Whose words stand at the top of the screen, where the name itself is above it: of a long message, or of several messages
 * of one author. What is there is told by the browser; no layout is asked for.
 */

import {byId} from "../page.js";

/** Begin to show it. */
export function showAuthorAbove() {
  const place = byId("author-above");
  const messages = byId("messages");
  /** @type {Set<Element>} rows that the upper edge cuts: one, or none */
  const cut = new Set();
  const edge = new IntersectionObserver(
    (entries) => {
      for (const {target, isIntersecting} of entries) cut[isIntersecting ? "add" : "delete"](target);
      show(place, [...cut].find((row) => row.isConnected));
    },
    {root: byId("scroller"), rootMargin: "0px 0px -99% 0px"},
  );
  const watch = (/** @type {Iterable<Node>} */ rows) => {
    for (const row of rows) if (isOthers(row)) edge.observe(/** @type {Element} */ (row));
  };
  watch(messages.children);
  new MutationObserver((changes) => {
    for (const {addedNodes, removedNodes} of changes) {
      watch(addedNodes);
      for (const row of removedNodes) if (isOthers(row)) edge.unobserve(/** @type {Element} */ (row));
    }
  }).observe(messages, {childList: true});
}

/** One's own words need no name. @param {any} node */
function isOthers(node) {
  return node.matches?.(".row:not(.own)");
}

/** @param {HTMLElement} place @param {Element | undefined} row */
function show(place, row) {
  const author = row?.querySelector(".author")?.cloneNode(true);
  place.replaceChildren(...(author === undefined ? [] : [author]));
}
