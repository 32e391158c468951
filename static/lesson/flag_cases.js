/** The reported messages of a class, through which its staff works. */

import {choice, closeDialog, complain, showDialog, whyNot} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {caseCard} from "../reports/case_card.js";
import {askOutcome} from "../reports/close_dialog.js";
import {hideMessage, readOlder, tellSeen} from "../reports/follow.js";
import {openThread} from "./notes.js";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../reports/open_flags.js").Case} Case */
/** @typedef {ReturnType<typeof import("../reports/follow.js").followFlags>} Flags */

/** Make the list: `open` opens it, `changed` shows it anew while it is open. @param {Channel} channel @param {Channel} staff @param {Flags} flags */
export function casesDialog(channel, staff, flags) {
  const list = h("ul", {class: "cases"});
  const showCases = () => {
    const hadFocus = list.contains(document.activeElement);
    list.replaceChildren(...flags.cases().map((found) => caseCard(found, null, buttons(found))));
    if (list.childElementCount === 0) list.append(h("li", {class: "muted"}, _("Nothing waits any more.")));
    if (hadFocus) (list.querySelector("button") ?? document.querySelector("#dialog .quiet-button"))?.focus();
    void tellSeen(staff, flags);
  };

  const changed = () => {
    if (list.isConnected) showCases();
  };

  async function open() {
    const close = h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"));
    showDialog(_("Reported messages"), [list, h("div", {class: "dialog-choices"}, close)]);
    showCases();
    if (flags.more === 0) return;
    await readOlder(staff, flags).catch(() => complain(_("Some of them could not be read. Try again in a moment.")));
    showCases();
  }

  /** @param {Case} found */
  function buttons(found) {
    const write = () => openThread(found.user);
    return [
      choice(_("Hide the message"), () => hide(found)),
      h("button", {class: "quiet-button", type: "button", onclick: write}, _("Write to the student")),
      h("button", {class: "quiet-button", type: "button", onclick: () => askOutcome(staff, found, () => void open())}, _("Close the report")),
    ];
  }

  /** @param {Case} found */
  function hide(found) {
    hideMessage(channel, staff, found, _("The message was hidden.")).catch((error) => complain(whyNot(error)));
  }

  return {open, changed};
}
