/** The whole queue of hands, in the dialog, where staff call out of turn and lower. */

import {closeDialog, pushAndClose, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";
import {quiet, SHORTCUT} from "./hands.js";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("./queue.js").Queue} Queue */

/** Make it: `open` opens it, `changed` shows it anew while it is open. @param {Channel} channel @param {Queue} queue */
export function handList(channel, queue) {
  const rows = h("ol", {class: "hand-list"});
  /** @type {Set<number>} */
  let here = new Set();
  let isOpen = false;
  const changed = () => {
    if (!isOpen) return;
    if (queue.hands.length === 0) return closeDialog();
    rows.replaceChildren(...queue.hands.map((hand) => row(channel, hand, here.has(hand.user))));
  };
  channel.presence.onChange((users) => {
    here = new Set(users.map(({id}) => id));
    changed();
  });
  const open = () => {
    const clear = () => pushAndClose(channel, "hand:clear", {});
    showDialog(_("Hands"), [h("p", {class: "hint hand-keys"}, _("{keys} calls the next one.", {keys: SHORTCUT})), rows, h("div", {class: "dialog-choices"}, quiet(_("Lower all hands"), clear), quiet(_("Close"), closeDialog))], () => {
      isOpen = false;
    });
    isOpen = true;
    changed();
  };
  return {open, changed};
}

/** Large classes are not listed by name: there, everybody counts as here. @param {Channel} channel @param {import("./queue.js").Hand} hand @param {boolean} isHere */
function row(channel, {user, name}, isHere) {
  const isAway = !isHere && page.people.length > 0;
  return h(
    "li",
    {class: isAway ? "muted" : ""},
    h("span", {class: "hand-name"}, h("bdi", {}, name), isAway ? h("span", {class: "hint"}, " · ", _("not here")) : null),
    quiet(_("Call"), () => pushAndClose(channel, "hand:call", {user})),
    h("button", {class: "icon-button", type: "button", "aria-label": _("Lower the hand of {name}", {name}), onclick: () => pushAndClose(channel, "hand:lower", {user})}, icon("close")),
  );
}
