/** Closing the flags of a message: what was done, for the staff alone. */

import {actions, closeDialog, complain, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {closeCase} from "./follow.js";

/** The server's (channels/limit.py). */
export const MAX_REMARK = 500;

/**
 * @param {import("../client/channel.js").Channel} channel @param {import("./open_flags.js").Case} found
 * @param {() => void} closed called when it is done
 */
export function askOutcome(channel, found, closed) {
  const field = /** @type {HTMLInputElement} */ (h("input", {type: "text", id: "outcome", maxlength: MAX_REMARK, dir: "auto"}));
  const close = async () => {
    try {
      await closeCase(channel, found, field.value.trim());
    } catch {
      return complain(_("Try again in a moment."));
    }
    closeDialog();
    closed();
  };
  field.addEventListener("keydown", ({key}) => key === "Enter" && void close());
  const label = h("label", {for: "outcome"}, _("What was done (only the staff sees it)"));
  showDialog(_("Close this report?"), [h("p", {}, label, field), actions(_("Close the report"), () => void close())]);
  field.focus();
}
