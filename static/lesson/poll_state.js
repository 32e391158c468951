/** The polls of a class as the server folds them (channels/lesson/polls.py), and what the page knows of their votes. */

import {_} from "../language.js";

/**
 * @typedef {{tally: number[], author: {id: number, name: string}, at: number}} Result
 * @typedef {{seq: number, at: number, question: string, options: string[] | "yes/no", anonymous: boolean,
 *            changeable: boolean, closed?: Result}} Poll
 * How an open poll stands, for staff: of an anonymous one only how many have voted.
 * @typedef {{voted: number, tally?: number[]}} Standing
 */

/** As many as the server's state carries (channels/limit.py). */
const KEPT_CLOSED = 4;
/** A result is shown by itself to who comes so soon after it; later it is found in the menu. */
const FRESH_MS = 10 * 60_000;

export class Polls {
  /** @type {Poll[]} in the order in which they were opened */
  all = [];
  /** What the user has voted, by the polls' positions. @type {Map<number, number>} */
  own = new Map();
  /** @type {Map<number, Standing>} */
  standings = new Map();

  /** Take over what the reply to a join says. @param {any} state */
  join({polls = []}) {
    this.all = polls;
  }

  /** @param {any} payload */
  opened(payload) {
    if (this.get(payload.seq) === undefined) this.all = [...this.all, payload];
  }

  /** @param {any} payload */
  closed({target, tally, author, at}) {
    this.all = this.all.map((poll) => (poll.seq === target ? {...poll, closed: {tally, author, at}} : poll));
    const closed = this.all.filter((poll) => poll.closed !== undefined);
    const dropped = closed.slice(0, Math.max(0, closed.length - KEPT_CLOSED));
    this.all = this.all.filter((poll) => !dropped.includes(poll));
  }

  /** @param {number} seq */
  get(seq) {
    return this.all.find((poll) => poll.seq === seq);
  }

  get open() {
    return this.all.filter(({closed}) => closed === undefined);
  }

  /** The closed ones, the one that was closed last first. */
  get results() {
    return this.all.filter(({closed}) => closed !== undefined).sort((one, other) => (other.closed?.at ?? 0) - (one.closed?.at ?? 0));
  }
}

/** Whether a result is shown by itself. @param {Poll} poll */
export function isFresh({closed}) {
  return Date.now() - (closed?.at ?? 0) < FRESH_MS;
}

/** A poll's question; where it was asked aloud, what kind it is. @param {Poll} poll */
export function questionOf({question, options}) {
  if (question !== "") return question;
  return options === "yes/no" ? _("Yes or no?") : _("Poll");
}

/** The texts of a poll's options. @param {Poll} poll @returns {string[]} */
export function optionsOf({options}) {
  return options === "yes/no" ? [_("Yes"), _("No")] : options;
}

/** How often each option was chosen, in words. @param {Poll} poll @param {number[]} tally */
export function resultWords(poll, tally) {
  return optionsOf(poll).map((option, index) => `${option}: ${tally[index] ?? 0}`).join(", ");
}
