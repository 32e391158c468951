/** What a message said before it was edited or hidden. */

import {newIdentifier} from "../client/identifier.js";
import {cancel, closeDialog, complain, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {textElement} from "../text.js";
import {clockTime, timeElement} from "../time.js";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {{text: string, by: {name: string}, at: number}} FormerText */

/** @param {number} seq @param {Channel} channel */
export async function openOriginals(seq, channel) {
  showDialog(_("Former text"), [h("p", {class: "muted"}, _("Opening it is recorded in the school's records.")), cancel()]);
  try {
    const {author, versions} = await channel.push("message:original", {target: seq, id: newIdentifier()});
    showDialog(_("Former text"), [
      h("p", {class: "muted"}, h("bdi", {}, author.name)),
      h("ul", {class: "dialog-list former-texts"}, ...versions.map(version)),
      h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close")),
    ]);
  } catch {
    complain(_("Try again in a moment."));
  }
}

/** @param {FormerText} former */
function version({text, by, at}) {
  const until = h("p", {class: "muted"}, _("until"), " ", timeElement(at, clockTime), " · ", h("bdi", {}, by.name));
  return h("li", {}, h("blockquote", {class: "dialog-quote"}, textElement(text)), until);
}
