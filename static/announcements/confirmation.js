/** Asks before an announcement that reaches a whole school or all of a role: a slip of the hand there is seen by hundreds. */

import {h} from "../dom.js";
import {_, ngettext} from "../language.js";
import {page} from "../page.js";
import {SCHOOL, roleTopic} from "../topic.js";

/**
 * Ask whether to announce to a topic, where it is one to ask about. Escape says no, and the focus goes back.
 * @param {string} topic
 * @returns {Promise<boolean>}
 */
export function isMeant(topic) {
  const questions = new Map([
    [SCHOOL, _("Announce to the whole school?")],
    [roleTopic("students"), _("Announce to all students?")],
    [roleTopic("teachers"), _("Announce to all teachers?")],
  ]);
  const question = questions.get(topic);
  return question === undefined ? Promise.resolve(true) : ask(question, page.reach?.[topic] ?? 0);
}

/** @param {string} question @param {number} people @returns {Promise<boolean>} */
function ask(question, people) {
  const title = h("h2", {id: "confirm-title"}, question);
  const words = h("p", {id: "confirm-words"}, ngettext("{n} person will get it.", "{n} people will get it.", people));
  const no = h("button", {class: "quiet-button", value: "no"}, _("Cancel"));
  const yes = h("button", {class: "button", value: "yes"}, _("Announce"));
  const buttons = h("form", {method: "dialog", class: "confirm-buttons"}, no, yes);
  const labels = {"aria-labelledby": "confirm-title", "aria-describedby": "confirm-words"};
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", {class: "confirm", ...labels}, title, words, buttons));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
