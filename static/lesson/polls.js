/**
 * Polls: staff ask and close, students vote; the open ones and the newest result stand under the class's head, those
 * before are in the menu. A vote is sent again under the same id until the server has it.
 */

import {newIdentifier} from "../client/identifier.js";
import {Refused} from "../client/errors.js";
import {mine, socket} from "../connection.js";
import {cancel, closeDialog, complain, pushAndClose, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_, list, ngettext} from "../language.js";
import {oncePerFrame} from "../next_frame.js";
import {isStaff, page} from "../page.js";
import {speakNewest} from "../spoken.js";
import {showInTab} from "../tab_sign.js";
import {classStaffTopic} from "../topic.js";
import {offer, offersChanged} from "./menu.js";
import {bars, PollCard, votes} from "./poll_card.js";
import {askPoll} from "./poll_form.js";
import {optionsOf, Polls, questionOf, resultWords} from "./poll_state.js";
import {strip} from "./strips.js";

/** A result is shown by itself to who comes so soon after it; later it is found in the menu. */
const FRESH_MS = 10 * 60_000;
/** A push waits for a connection by itself; this is for what goes wrong beyond that. */
const RETRY_MS = 2_000;
/** The server's (channels/limit.py). */
const MAX_OPEN = 4;

/**
 * @typedef {import("../client/channel.js").Channel} Channel
 * @typedef {import("./poll_state.js").Poll} Poll
 */

/** @param {Channel} channel */
export function showPolls(channel) {
  const polls = new Polls();
  const cards = new Cards(channel, polls);
  const known = isStaff(page.me) ? followTallies(channel, polls, cards) : followOwnVotes(channel, polls, cards);
  channel.onJoin(({state}) => {
    polls.join(state);
    known.joined();
    cards.changed();
  });
  channel.on("poll:opened", (payload) => {
    polls.opened(payload);
    const kind = _("Poll");
    speakNewest("poll", `${kind}: ${questionOf(/** @type {Poll} */ (payload))}`);
    cards.changed();
  });
  channel.on("poll:closed", (payload) => {
    polls.closed(payload);
    const poll = polls.get(payload.target);
    if (poll !== undefined) speakNewest("poll", `${questionOf(poll)} ${resultWords(poll, payload.tally)}`);
    cards.changed();
  });
  offerPolls(channel, polls);
}

/** Staff hears how the open polls stand, a few times a second at most. @param {Channel} channel @param {Polls} polls @param {Cards} cards */
function followTallies(channel, polls, cards) {
  const staff = socket.channel(classStaffTopic(page.classroom.id));
  staff.on("poll:tally", ({target, voted, tally}) => {
    polls.standings.set(target, {voted, tally});
    cards.changed();
  });
  void staff.join();
  const ask = (/** @type {Poll} */ {seq}) =>
    channel.push("poll:votes", {target: seq}).then((standing) => {
      polls.standings.set(seq, standing);
      cards.changed();
    });
  return {joined: () => polls.open.forEach((poll) => void ask(poll).catch(() => {}))};
}

/** A student's votes of before this page was loaded, and those by another. @param {Channel} channel @param {Polls} polls @param {Cards} cards */
function followOwnVotes(channel, polls, cards) {
  const take = (/** @type {{target: number, option: number}} */ {target, option}) => {
    polls.own.set(target, option);
    cards.changed();
  };
  mine.on("poll:voted", (voted) => voted.topic === channel.topic && take(/** @type {any} */ (voted)));
  const ask = () => channel.push("poll:mine").then(({votes: own}) => own.forEach(take));
  return {joined: () => polls.all.some(({seq}) => !polls.own.has(seq)) && void ask().catch(() => {})};
}

/** The polls that are shown, each with its card. */
class Cards {
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
  changed = oncePerFrame(() => this.#show());

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
    offersChanged();
  }

  /** The open ones; where there is none, the newest result. */
  #listed() {
    const {open, results} = this.#polls;
    const [newest] = results;
    if (open.length > 0 || newest === undefined || this.#hidden.has(newest.seq)) return open;
    const isFresh = Date.now() - (newest.closed?.at ?? 0) < FRESH_MS;
    return isFresh || this.#cards.has(newest.seq) ? [newest] : [];
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
      showDialog(_("Your vote was not taken"), [cancel()]);
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

// The menu

/** @param {Channel} channel @param {Polls} polls */
function offerPolls(channel, polls) {
  const mayOpen = () => isStaff(page.me) && polls.open.length < MAX_OPEN;
  const askYesNo = () => void pushAndClose(channel, "poll:open", {options: "yes/no"});
  offer({label: () => _("Ask yes or no"), icon: "poll", order: 20, isOffered: mayOpen, run: askYesNo});
  offer({label: () => _("New poll"), icon: "poll", order: 21, isOffered: mayOpen, run: () => askPoll(channel)});
  offer({label: () => _("Results of polls"), icon: "poll", order: 22, isOffered: () => polls.results.length > 0, run: () => showResults(polls)});
}

/** @param {Polls} polls */
function showResults({results, own}) {
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
async function showNames(channel, poll) {
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
