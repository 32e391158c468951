/**
 * Pinned messages: the newest on top of the class, the others behind one press, each a way to its message. Staff pins and
 * takes pins away in the menu of a message.
 */

import {AMENDING} from "../amended.js";
import {offerForMessages} from "../chat/message_menu.js";
import {quoteOf, quoteWords, wordsOnly} from "../chat/quote.js";
import {closeDialog, pushAndClose, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_, ngettext} from "../language.js";
import {isStaff, page} from "../page.js";
import {strip} from "./strips.js";

/** The server's (channels/limit.py). */
const MAX_PINS = 10;

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {{target: number, quote: import("../chat/quote.js").Quote}} Pin */

/** @param {Channel} channel @param {(seq: number) => void} jump goes to a message */
export function showPins(channel, jump) {
  const line = strip("pins", 80);
  /** @type {Pin[]} the newest last */
  let pins = [];

  /** A hidden message has no words to show. */
  const shown = () => pins.filter(({quote}) => quote.text !== "");

  function show() {
    const found = shown();
    const newest = found.at(-1);
    if (newest === undefined) return line.hide();
    const others = found.length - 1;
    const more = h("button", {class: "quiet-button", type: "button", "aria-haspopup": "dialog", onclick: showAll}, ngettext("{n} more", "{n} more", others));
    line.show(pinLine(newest.target, [wordsOnly(newest.quote.text)], jump), ...(others > 0 ? [more] : []));
  }

  function showAll() {
    const go = (/** @type {number} */ seq) => {
      closeDialog();
      jump(seq);
    };
    const items = shown().reverse().map(({target, quote}) => h("li", {class: "pin-item"}, pinLine(target, quoteWords(quote), go)));
    showDialog(_("Pinned messages"), [h("ul", {class: "dialog-list"}, ...items), h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"))]);
  }

  /** @param {any} change */
  function amended({target, text = ""}) {
    pins = pins.map((pin) => (pin.target === target ? {...pin, quote: quoteOf({...pin.quote, text})} : pin));
    show();
  }

  /** @param {any} payload */
  function pinned({target, quote}) {
    pins = [...pins.filter((pin) => pin.target !== target), {target, quote}];
    show();
  }

  /** @param {any} payload */
  function unpinned({target}) {
    pins = pins.filter((pin) => pin.target !== target);
    show();
  }

  channel.onJoin(({state}) => {
    pins = state.pins ?? [];
    show();
  });
  channel.on("message:pinned", pinned);
  channel.on("message:unpinned", unpinned);
  for (const event of AMENDING) channel.on(event, amended);
  if (!isStaff(page.me)) return;
  offerForMessages(({seq, hidden}) => {
    const isPinned = pins.some(({target}) => target === seq);
    const event = isPinned ? "message:unpin" : "message:pin";
    if (!isPinned && (hidden !== undefined || pins.length >= MAX_PINS)) return [];
    return [{label: isPinned ? _("Unpin") : _("Pin for all"), icon: "pin", order: 30, run: () => void pushAndClose(channel, event, {target: seq})}];
  });
}

/** @param {number} target @param {(Node | string)[]} words @param {(seq: number) => void} jump */
function pinLine(target, words, jump) {
  return h("button", {class: "pin", type: "button", onclick: () => jump(target)}, icon("pin"), h("span", {class: "visually-hidden"}, _("Pinned"), ": "), h("span", {class: "pin-words"}, ...words));
}
