/** Mentions in a message's row: the names marked, one's own more. */

import {h} from "../dom.js";
import {page} from "../page.js";
import {placesOf} from "../text/mention.js";

/** @typedef {import("../page.js").User} User */

/** Mark the names of those whom a message mentions, one's own more. @param {HTMLElement} element @param {User[]} users */
export function markMentions(element, users) {
  if (users.length === 0) return element;
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, ({parentElement}) => {
    return parentElement?.closest("code, .formula") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT;
  });
  const nodes = [];
  while (walker.nextNode()) nodes.push(/** @type {Text} */ (walker.currentNode));
  for (const node of nodes) markIn(node, users);
  return element;
}

/** From the end, so that the places before stay where they are. @param {Text} node @param {User[]} users */
function markIn(node, users) {
  for (const {start, end, users: meant} of placesOf(node.data, users).reverse()) {
    const rest = node.splitText(start);
    rest.splitText(end - start);
    const isMe = meant.some(({id}) => id === page.me.id);
    rest.replaceWith(h("span", {class: isMe ? "mention mention-me" : "mention"}, rest.data));
  }
}

/** Whether a message mentions the user. @param {any} payload */
export function mentionsMe({mentions, hidden}) {
  return hidden === undefined && (mentions ?? []).some((/** @type {User} */ {id}) => id === page.me.id);
}
