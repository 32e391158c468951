/** The dialog in which somebody reports a message, with a reason. */

import {newIdentifier} from "../client/identifier.js";
import {actions, choice, closeDialog, complain, showDialog, whyNot} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {isStaff} from "../page.js";
import {reasons} from "../reports/case_card.js";
import {MAX_REMARK} from "../reports/close_dialog.js";

/** @typedef {import("../client/channel.js").Channel} Channel */

/** @param {any} message @param {Channel} channel */
export function askReason(message, channel) {
  const radios = reasons().map(([name, words]) => reasonChoice(name, words));
  const field = /** @type {HTMLTextAreaElement} */ (h("textarea", {rows: "2", id: "flag-note", maxlength: MAX_REMARK, dir: "auto"}));
  const id = newIdentifier();
  const report = async () => {
    const chosen = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=flag-reason]:checked"));
    if (chosen === null) return complain(_("Choose a reason."));
    const words = field.value.trim();
    try {
      await channel.push("message:flag", {target: message.seq, reason: chosen.value, ...(words && {note: words}), id});
    } catch (error) {
      return complain(whyNotReported(error));
    }
    showThanks();
  };
  showDialog(_("Report this message?"), [
    h("p", {class: "muted"}, whoSees(message.author)),
    h("fieldset", {class: "choices"}, h("legend", {}, _("Why?")), ...radios),
    h("p", {}, h("label", {for: "flag-note"}, _("More about it (optional)")), field),
    actions(_("Report"), () => void report()),
  ]);
  radios[0].querySelector("input")?.focus();
}

/** @param {string} name @param {string} words */
function reasonChoice(name, words) {
  return h("label", {class: "choice"}, h("input", {type: "radio", name: "flag-reason", value: name}), h("span", {}, words));
}

/** @param {import("../page.js").User} author */
function whoSees(author) {
  return isStaff(author)
    ? _("Only the principal sees your report and your name. No teacher learns of it.")
    : _("The teachers of this class and the principal see your report and your name. Nobody else learns of it.");
}

function showThanks() {
  const words = _("Thank you. You will be told here when somebody has looked at it.");
  showDialog(_("Reported"), [h("p", {role: "status"}, words), h("div", {class: "dialog-choices"}, choice(_("Close"), closeDialog))]);
}

/** @param {any} error */
function whyNotReported(error) {
  const {code} = error;
  if (code === "too_fast") return _("You have reported many messages. Wait until somebody has looked at them.");
  return code === "forbidden" ? _("This message cannot be reported any more.") : whyNot(error);
}
