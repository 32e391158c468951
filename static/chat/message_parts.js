/** What stands in a message's row beside its words: what it answers, who has reacted, what one may do with it. */

import {menuButton} from "./message_menu.js";
import {quoteLine} from "./quote.js";
import {reactionLine, showReactions} from "./reactions.js";

/** @typedef {import("../client/channel.js").Channel} Channel */

/** @param {any} payload @param {Channel} channel @param {(seq: number) => void} jump */
export function messageParts(payload, channel, jump) {
  const reactions = payload.reactions === undefined ? null : reactionLine(payload, channel);
  return {quote: quoteLine(payload, jump), reactions, menu: menuButton(payload, channel)};
}

/** The reactions have changed; the menu shows one's own. @param {HTMLElement} row @param {any} payload @param {Channel} channel */
export function showBeside(row, payload, channel) {
  const line = /** @type {HTMLElement | null} */ (row.querySelector(".reactions"));
  if (line === null) row.querySelector(".bubble")?.append(reactionLine(payload, channel));
  else showReactions(line, payload, channel);
  const before = row.querySelector(".row-menu");
  const menu = menuButton(payload, channel);
  if (before === null || menu === null) return;
  const hadFocus = before === document.activeElement;
  before.replaceWith(menu);
  if (hadFocus) menu.focus();
}
