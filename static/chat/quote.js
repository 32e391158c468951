/** What a reply answers: the author and the first words, as they are now. A press leads to the message. */

import {quoted} from "../amended.js";
import {wellFormed} from "../client/well_formed.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";
import {plainText} from "../text/parse.js";

/** @typedef {{author: import("../page.js").User, text: string}} Quote */

/** A message as a reply to it quotes it. @param {any} payload @returns {Quote} */
export function quoteOf({author, text}) {
  return {author, text: quoted(text)};
}

/** Author and words, on one line. @param {Quote} quote */
export function quoteWords({author, text}) {
  const name = author.id === page.me.id ? _("You") : author.name;
  return [h("bdi", {class: "quote-author"}, name), " ", wordsOnly(text)];
}

/** @param {string} text */
export function wordsOnly(text) {
  const words = text === "" ? _("This message was deleted.") : wellFormed(plainText(text)).replace(/\s+/g, " ");
  return h("bdi", {class: text === "" ? "quote-text hidden-text" : "quote-text"}, words);
}

/**
 * The line above a reply; null where a message is none.
 * @param {any} payload @param {(seq: number) => void} jump
 */
export function quoteLine({reply_to: target, quote, hidden}, jump) {
  if (target === undefined || hidden !== undefined) return null;
  const words = quote === undefined ? [_("Reply to an earlier message")] : quoteWords(quote);
  return h("button", {class: "quote", type: "button", tabindex: "-1", onclick: () => jump(target)}, h("span", {class: "visually-hidden"}, _("In reply to"), " "), ...words);
}
