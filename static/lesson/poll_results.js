/** The results of polls, and who voted what, in the dialog. */

import {closeDialog, complain, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_, list, ngettext} from "../language.js";
import {isStaff, page} from "../page.js";
import {bars, votes} from "./poll_card.js";
import {optionsOf, questionOf} from "./poll_state.js";

/**
 * @typedef {import("../client/channel.js").Channel} Channel
 * @typedef {import("./poll_state.js").Poll} Poll
 * @typedef {import("./poll_state.js").Polls} Polls
 */

/** @param {Polls} polls */
export function showResults({results, own}) {
  const parts = results.map((poll) => {
    const tally = poll.closed?.tally ?? [];
    return h("section", {class: "poll"}, h("h3", {dir: "auto"}, questionOf(poll)), h("ul", {class: "poll-bars"}, ...bars(poll, tally, own.get(poll.seq))), h("p", {class: "poll-note"}, votes(tally)));
  });
  showDialog(_("Results of polls"), [...parts, closing()]);
}

function closing() {
  return h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"));
}

/** @param {Channel} channel @param {Poll} poll */
export async function showNames(channel, poll) {
  /** @type {{voted: number, votes?: {user: number, name: string, option: number}[]}} */
  let known;
  try {
    known = await channel.push("poll:votes", {target: poll.seq});
  } catch {
    showDialog(questionOf(poll), [closing()]);
    return complain(_("Try again in a moment."));
  }
  const given = known.votes ?? [];
  const groups = optionsOf(poll).map((text, option) => group(text, given.filter((vote) => vote.option === option).map(({name}) => name)));
  const voters = new Set(given.map(({user}) => user));
  const silent = page.people.filter((person) => !isStaff(person) && !voters.has(person.id)).map(({name}) => name);
  showDialog(questionOf(poll), [...groups, silent.length > 0 ? group(_("No vote"), silent) : null, closing()]);
}

/** @param {string} title @param {string[]} names */
function group(title, names) {
  const heading = h("h3", {}, h("bdi", {}, title), ` (${ngettext("{n} vote", "{n} votes", names.length)})`);
  return h("section", {class: "poll-names"}, heading, h("p", {}, names.length > 0 ? list(names) : "–"));
}
