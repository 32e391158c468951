/** A flagged message as a card: what was said, who reports it, why, and what one may do. */

import {isolated} from "../bidi.js";
import {h} from "../dom.js";
import {_, list} from "../language.js";
import {folding} from "../fold.js";
import {textElement} from "../text.js";
import {dayAndTime, timeElement} from "../time.js";

/** @typedef {import("./open_flags.js").Case} Case */

/** The server's reasons (channels/lesson/flags.py), in the order in which they are offered. @returns {[string, string][]} */
export function reasons() {
  return [
    ["insult", _("It insults somebody")],
    ["bullying", _("It is bullying")],
    ["threat", _("It threatens somebody")],
    ["sexual", _("It is sexual")],
    ["worry", _("I am worried about somebody")],
    ["spam", _("It disturbs the lesson")],
    ["other", _("Something else")],
  ];
}

/** @param {Case} found @param {Node | null} place where it was said @param {Node[]} buttons */
export function caseCard({text, user, flags}, place, buttons) {
  return h(
    "li",
    {class: "case"},
    h("p", {class: "case-who"}, h("strong", {}, h("bdi", {}, user.name)), place && " · ", place, " · ", timeElement(flags[0].at, dayAndTime)),
    h("blockquote", {class: "dialog-quote"}, folding(textElement(text), text)),
    ...whoAndWhy(flags),
    h("div", {class: "dialog-choices"}, ...buttons),
  );
}

/** One line for all who add nothing, and one for each who does. @param {any[]} flags */
function whoAndWhy(flags) {
  const silent = flags.filter(({note}) => !note);
  const names = [...new Set(silent.map(({author}) => author.name))];
  const why = [...new Set(silent.map(({reason}) => reasonName(reason)))];
  const line = _("{names}: {reasons}", {names: list(names), reasons: list(why)});
  return [
    ...(silent.length > 0 ? [h("p", {class: "case-why"}, line)] : []),
    ...flags.filter(({note}) => note).map(remark),
  ];
}

/** @param {any} flag */
function remark({author, reason, note}) {
  return h("p", {class: "case-why", dir: "auto"}, `${isolated(author.name)}: ${reasonName(reason)}. “${isolated(note)}”`);
}

/** @param {string} reason */
function reasonName(reason) {
  return reasons().find(([name]) => name === reason)?.[1] ?? reason;
}
