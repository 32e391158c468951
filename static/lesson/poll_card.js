/**
 * One poll under the class's head: students get large buttons, staff how it stands, all its result. Its elements stay the
 * same while it changes, so that a button keeps the focus.
 */

import {h, icon, setText} from "../dom.js";
import {_, ngettext, number} from "../language.js";
import {isStaff, page} from "../page.js";
import {optionsOf, questionOf} from "./poll_state.js";

/**
 * @typedef {import("./poll_state.js").Poll} Poll
 * @typedef {import("./poll_state.js").Standing} Standing
 * `sending`: a vote is on its way.
 * @typedef {{own?: number, standing?: Standing, sending?: boolean}} Known
 * @typedef {{vote: (option: number) => void, close: () => void, names: () => void, hide: () => void}} Doing
 */

export class PollCard {
  #bars = h("ul", {class: "poll-bars"});
  #note = h("p", {class: "poll-note"});
  #actions = h("div", {class: "poll-actions"});
  /** @type {HTMLButtonElement[]} */
  #options = [];
  #choices;
  #doing;
  #isClosed = false;

  /** @param {Poll} poll @param {Doing} doing */
  constructor(poll, doing) {
    this.#doing = doing;
    if (!isStaff(page.me)) this.#options = optionsOf(poll).map((text, option) => optionButton(text, () => doing.vote(option)));
    this.#choices = h("div", {class: "poll-options"}, ...this.#options);
    const question = h("h2", {class: "poll-question", dir: "auto"}, questionOf(poll));
    this.element = h("section", {class: "poll", "aria-label": _("Poll")}, question, this.#choices, this.#bars, this.#note, this.#actions);
    if (isStaff(page.me)) this.#actions.append(button(_("Close the poll"), "button strip-button", doing.close), ...this.#namesButton(poll));
  }

  /** @param {Poll} poll @param {Known} known */
  update(poll, known) {
    const tally = tallyOf(poll, known);
    this.#bars.hidden = tally === undefined;
    if (tally !== undefined) this.#bars.replaceChildren(...bars(poll, tally, known.own));
    if (poll.closed !== undefined && !this.#isClosed) this.#close(poll);
    this.#showOptions(poll, known);
    setText(this.#note, noteOf(poll, known));
  }

  /** @param {Poll} poll */
  #close(poll) {
    this.#isClosed = true;
    this.#choices.hidden = true;
    this.#actions.replaceChildren(...this.#namesButton(poll), button(_("Hide the result"), "quiet-button", this.#doing.hide));
  }

  /** @param {Poll} poll */
  #namesButton(poll) {
    return isStaff(page.me) && !poll.anonymous ? [button(_("Who voted what"), "quiet-button", this.#doing.names)] : [];
  }

  /** @param {Poll} poll @param {Known} known */
  #showOptions(poll, {own, sending = false}) {
    this.#options.forEach((each, option) => {
      each.setAttribute("aria-pressed", String(option === own));
      each.disabled = !sending && own !== undefined && !poll.changeable && option !== own;
    });
  }
}

/** @param {string} text @param {() => void} run */
function optionButton(text, run) {
  return /** @type {HTMLButtonElement} */ (h("button", {class: "poll-option", type: "button", "aria-pressed": "false", onclick: run}, icon("check"), h("bdi", {}, text)));
}

/** @param {string} label @param {string} look @param {() => void} run */
function button(label, look, run) {
  return h("button", {class: look, type: "button", onclick: run}, label);
}

/**
 * A row for each option: its text, how many, and a bar.
 * @param {Poll} poll @param {number[]} tally @param {number} [own]
 */
export function bars(poll, tally, own) {
  const most = Math.max(1, ...tally);
  return optionsOf(poll).map((text, option) => {
    const fill = h("span", {class: "poll-fill"});
    fill.style.inlineSize = `${(100 * (tally[option] ?? 0)) / most}%`;
    const mine = option === own ? [icon("check"), h("span", {class: "visually-hidden"}, _("your vote"))] : [];
    return h(
      "li",
      {class: own === option ? "own-vote" : ""},
      h("span", {class: "poll-text"}, h("bdi", {}, text), ...mine),
      h("span", {class: "poll-count"}, number(tally[option] ?? 0)),
      h("span", {class: "poll-bar", "aria-hidden": "true"}, fill),
    );
  });
}

/** What the bars show: the result; while the poll is open, to staff how it stands, if it is not anonymous. @param {Poll} poll @param {Known} known */
function tallyOf(poll, {standing}) {
  if (poll.closed !== undefined) return poll.closed.tally;
  return isStaff(page.me) && !poll.anonymous ? standing?.tally ?? [] : undefined;
}

/** @param {Poll} poll @param {Known} known */
function noteOf(poll, known) {
  if (poll.closed !== undefined) return votes(poll.closed.tally);
  return isStaff(page.me) ? staffNote(poll, known) : studentNote(poll, known);
}

/** @param {number[]} tally */
export function votes(tally) {
  const count = tally.reduce((sum, each) => sum + each, 0);
  return ngettext("{n} vote", "{n} votes", count);
}

/** @param {Poll} poll @param {Known} known */
function staffNote({anonymous}, {standing}) {
  const all = number(page.classroom.students ?? 0);
  const voted = ngettext("{n} of {all} has voted.", "{n} of {all} have voted.", standing?.voted ?? 0, {all});
  const secret = _("The votes are anonymous; the result comes when you close the poll.");
  return anonymous ? `${voted} ${secret}` : voted;
}

/** @param {Poll} poll @param {Known} known */
function studentNote({anonymous, changeable}, {own, sending}) {
  if (sending) return _("Sending your vote…");
  if (own !== undefined && changeable) return _("You have voted, and can change it until the poll is closed.");
  if (own !== undefined) return _("You have voted. The result comes when the poll is closed.");
  return anonymous ? _("Nobody sees who votes what.") : _("Your teachers see what you vote.");
}
