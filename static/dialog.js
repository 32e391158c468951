/**
 * The page's one dialog: a title, some content, and a place where it says what went wrong.
 *
 *     showDialog(_("Delete this message?"), [quote, actions(_("Delete"), run)]);
 */

import {newIdentifier} from "./client/identifier.js";
import {h, icon} from "./dom.js";
import {_} from "./language.js";

/** @typedef {import("./client/channel.js").Channel} Channel */

/** @type {HTMLDialogElement | null} */
let dialog = null;
/** @type {() => void} */
let onClosed = () => {};
/** Grows with everything that is shown, and with each close. */
let turn = 0;

/**
 * Show this, in place of what the dialog shows; null in the content is left out.
 * @param {string} title @param {(Node | null)[]} content @param {() => void} [closed] called when it is no longer shown
 */
export function showDialog(title, content, closed = () => {}) {
  const shown = open();
  turn += 1;
  end();
  onClosed = closed;
  shown.replaceChildren(
    h("h2", {id: "dialog-title"}, title),
    ...content.filter((part) => part !== null),
    h("p", {class: "problem", role: "alert", hidden: true}),
  );
  if (!shown.open) shown.showModal();
}

export function closeDialog() {
  turn += 1;
  if (dialog?.open) dialog.close();
}

/** Say in the dialog what went wrong; where it has been closed, in one of its own. @param {string} words */
export function complain(words) {
  const shown = open();
  if (!shown.open) showDialog(_("It did not work"), [cancel()]);
  const place = /** @type {HTMLElement} */ (shown.querySelector(".problem"));
  place.hidden = false;
  place.replaceChildren(icon("warning"), words);
}

/** The row of buttons: what is to be done, and not to do it. @param {string} label @param {() => void} run */
export function actions(label, run) {
  return h("div", {class: "dialog-choices"}, choice(label, run), cancel());
}

/** @param {string} label @param {() => void} run */
export function choice(label, run) {
  return h("button", {class: "button", type: "button", onclick: run}, label);
}

export function cancel() {
  return h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Cancel"));
}

/**
 * Push something, and close the dialog when it is done, unless it shows something else by then; it says why where it is not.
 * @param {Channel} channel @param {string} event @param {Record<string, unknown>} payload
 */
export async function pushAndClose(channel, event, payload) {
  const before = turn;
  try {
    await channel.push(event, {...payload, id: newIdentifier()});
    if (turn === before) closeDialog();
  } catch (error) {
    complain(whyNot(error));
  }
}

/** Why a push did not succeed, in words. @param {any} error */
export function whyNot(error) {
  const words = {
    forbidden: _("You may not do this now."),
    bad_payload: _("The server cannot take this."),
    timeout: _("The server gave no answer."),
    taken_away: _("This class is no longer one of yours."),
  };
  return words[/** @type {keyof typeof words} */ (error?.code)] ?? _("Try again in a moment.");
}

/** The element, made when it is first needed; its content goes when it closes: what it quotes may be hidden by then. */
function open() {
  if (dialog === null) {
    dialog = /** @type {HTMLDialogElement} */ (h("dialog", {id: "dialog", class: "dialog", "aria-labelledby": "dialog-title"}));
    dialog.addEventListener("close", () => {
      if (dialog?.open) return; // closed, and shown again with something else before this event came
      dialog?.replaceChildren();
      end();
    });
    document.body.append(dialog);
  }
  return dialog;
}

/** What was shown is not shown any more. */
function end() {
  const tell = onClosed;
  onClosed = () => {};
  tell();
}
