/**
 * The polls that are shown under the class's head, each with its card: the open ones; where there is none, the newest result.
 * A vote is sent again under the same id until the server has it.
 */

import {newIdentifier} from "../client/identifier.js";
import {Refused} from "../client/errors.js";
import {cancel, complain, pushAndClose, showDialog} from "../dialog.js";
import {_} from "../language.js";
import {throttled} from "../throttle.js";
import {isStaff, page} from "../page.js";
import {showInTab} from "../tab_sign.js";
import {PollCard} from "./poll_card.js";
import {showNames} from "./poll_results.js";
import {isFresh} from "./poll_state.js";
import {strip} from "./strips.js";

/** A push waits for a connection by itself; this is for what goes wrong beyond that. */
const RETRY_MS = 2_000;

/**
 * @typedef {import("../client/channel.js").Channel} Channel
 * @typedef {import("./poll_state.js").Poll} Poll
 * @typedef {import("./poll_state.js").Polls} Polls
 */

export class Cards {
  #channel;
  #polls;
  #strip = strip("poll", 20);
  /** @type {Map<number, PollCard>} */
  #cards = new Map();
  /** @type {Set<number>} results that the user has put away */
  #hidden = new Set();
  /** @type {Map<number, {option: number, id: string}>} */
  #sending = new Map();
  #shown = "";
  changed = throttled(() => this.#show());

  /** @param {Channel} channel @param {Polls} polls */
  constructor(channel, polls) {
    this.#channel = channel;
    this.#polls = polls;
  }

  #show() {
    const polls = this.#listed();
    for (const poll of polls) this.#cardOf(poll).update(poll, this.#knownOf(poll));
    this.#place(polls);
    const waiting = polls.filter(({seq, closed}) => closed === undefined && !this.#polls.own.has(seq));
    showInTab("polls", isStaff(page.me) ? 0 : waiting.length);
  }

  /** The open ones; where there is none, the newest result. */
  #listed() {
    const {open, results} = this.#polls;
    const [newest] = results;
    if (open.length > 0 || newest === undefined || this.#hidden.has(newest.seq)) return open;
    return isFresh(newest) || this.#cards.has(newest.seq) ? [newest] : [];
  }

  /** @param {Poll[]} polls */
  #place(polls) {
    const shown = polls.map(({seq}) => seq).join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    for (const seq of this.#cards.keys()) if (!polls.some((poll) => poll.seq === seq)) this.#cards.delete(seq);
    if (polls.length === 0) this.#strip.hide();
    else this.#strip.show(...polls.map((poll) => this.#cardOf(poll).element));
  }

  /** @param {Poll} poll */
  #cardOf(poll) {
    const known = this.#cards.get(poll.seq);
    if (known !== undefined) return known;
    const card = new PollCard(poll, {
      vote: (option) => this.#vote(poll, option),
      close: () => void pushAndClose(this.#channel, "poll:close", {target: poll.seq}),
      names: () => void showNames(this.#channel, poll),
      hide: () => this.#hide(poll.seq),
    });
    this.#cards.set(poll.seq, card);
    return card;
  }

  /** @param {Poll} poll */
  #knownOf({seq}) {
    const sending = this.#sending.get(seq);
    return {own: sending?.option ?? this.#polls.own.get(seq), sending: sending !== undefined, standing: this.#polls.standings.get(seq)};
  }

  /** @param {number} seq */
  #hide(seq) {
    this.#hidden.add(seq);
    this.changed();
  }

  /** @param {Poll} poll @param {number} option */
  #vote({seq, changeable}, option) {
    const own = this.#polls.own.get(seq);
    if (this.#sending.has(seq) || own === option || (own !== undefined && !changeable)) return;
    this.#sending.set(seq, {option, id: newIdentifier()});
    void this.#send(seq);
    this.changed();
  }

  /** @param {number} target */
  async #send(target) {
    const vote = this.#sending.get(target);
    if (vote === undefined) return;
    try {
      await this.#channel.push("poll:vote", {target, ...vote});
      this.#polls.own.set(target, vote.option);
      this.#sending.delete(target);
    } catch (error) {
      if (!(error instanceof Refused) || error.isPassing) return this.#sendLater(target, error);
      this.#sending.delete(target);
      showDialog(_("Your vote was not accepted"), [cancel()]);
      complain(_("The poll is closed, or you have voted before."));
    } finally {
      this.changed();
    }
  }

  /** @param {number} target @param {any} error */
  #sendLater(target, error) {
    setTimeout(() => void this.#send(target), error.retryAfter ?? RETRY_MS);
  }
}
