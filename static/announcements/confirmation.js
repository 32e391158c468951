/** Asks before an announcement that reaches several classes, a role or the school: a slip of the hand there is seen by hundreds. */

import {mine} from "../connection.js";
import {h, setText} from "../dom.js";
import {_, ngettext} from "../language.js";
import {isClass, roleTopic, SCHOOL} from "../topic.js";

/** Longer than a healthy server takes; without an answer the question is asked without a number. */
const ANSWER_MS = 3000;

/**
 * Ask whether to announce to these topics, where it is something to ask about. Escape says no, and the focus goes back.
 * @param {string[]} topics
 * @returns {Promise<boolean>}
 */
export function isMeant(topics) {
  const question = questionOf(topics);
  return question === null ? Promise.resolve(true) : ask(question, topics);
}

/** @param {string[]} topics */
function questionOf(topics) {
  if (topics.length > 1) return ngettext("Announce to {n} class?", "Announce to {n} classes?", topics.length);
  const questions = new Map([
    [SCHOOL, _("Announce to the whole school?")],
    [roleTopic("students"), _("Announce to all students?")],
    [roleTopic("teachers"), _("Announce to all teachers?")],
  ]);
  return isClass(topics[0]) ? null : questions.get(topics[0]) ?? null;
}

/** @param {string} question @param {string[]} topics @returns {Promise<boolean>} */
function ask(question, topics) {
  const title = h("h2", {id: "confirm-title"}, question);
  const words = h("p", {id: "confirm-words", role: "status"}, _("Counting the people…"));
  const no = h("button", {class: "quiet-button", value: "no"}, _("Cancel"));
  const yes = h("button", {class: "button", value: "yes"}, _("Announce"));
  const buttons = h("form", {method: "dialog", class: "confirm-buttons"}, no, yes);
  const labels = {"aria-labelledby": "confirm-title", "aria-describedby": "confirm-words"};
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", {class: "confirm", ...labels}, title, words, buttons));
  document.body.append(dialog);
  dialog.showModal();
  void mine.push("announcement:reach", {to: topics}, {timeout: ANSWER_MS}).then(
    (reach) => setText(words, reached(reach)),
    () => setText(words, _("The number of people is not known without a connection.")),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

/** @param {{members: number, reachable: number}} reach */
function reached({members, reachable}) {
  const all = ngettext("{n} person will get it.", "{n} people will get it.", members);
  const away = members - reachable;
  if (away === 0) return all;
  const later = ngettext("{n} of them is not signed in anywhere and gets it with the next sign-in.", "{n} of them are not signed in anywhere and get it with the next sign-in.", away);
  return `${all} ${later}`;
}
