/**
 * Polls: staff ask and close, students vote; the open ones and the newest result stand under the class's head, those
 * before are in the menu. Their cards are loaded when there is one to show.
 */

import {mine, socket} from "../connection.js";
import {pushAndClose} from "../dialog.js";
import {_} from "../language.js";
import {later} from "../later.js";
import {isStaff, page} from "../page.js";
import {speakNewest} from "../spoken.js";
import {classStaffTopic} from "../topic.js";
import {offer, offersChanged} from "./menu.js";
import {isFresh, Polls, questionOf, resultWords} from "./poll_state.js";

const cardsModule = later(() => import("./poll_cards.js"));
const form = later(() => import("./poll_form.js"));
const results = later(() => import("./poll_results.js"));
/** The server's (channels/limit.py). */
const MAX_OPEN = 4;

/**
 * @typedef {import("../client/channel.js").Channel} Channel
 * @typedef {import("./poll_state.js").Poll} Poll
 */

/** @param {Channel} channel */
export function showPolls(channel) {
  const polls = new Polls();
  const changed = cardsOf(channel, polls);
  const known = isStaff(page.me) ? followTallies(channel, polls, changed) : followOwnVotes(channel, polls, changed);
  channel.onJoin(({state}) => {
    polls.join(state);
    known.joined();
    changed();
  });
  channel.on("poll:opened", (payload) => {
    polls.opened(payload);
    const kind = _("Poll");
    speakNewest("poll", `${kind}: ${questionOf(/** @type {Poll} */ (payload))}`);
    changed();
  });
  channel.on("poll:closed", (payload) => {
    polls.closed(payload);
    const poll = polls.get(payload.target);
    if (poll !== undefined) speakNewest("poll", `${questionOf(poll)} ${resultWords(poll, payload.tally)}`);
    changed();
  });
  offerPolls(channel, polls);
}

/**
 * Return what to call after each change of the polls: it shows their cards.
 * @param {Channel} channel @param {Polls} polls
 */
function cardsOf(channel, polls) {
  /** @type {import("./poll_cards.js").Cards | null} */
  let cards = null;
  let isAsked = false;
  return () => {
    offersChanged();
    if (cards !== null) return cards.changed();
    if (isAsked || (polls.open.length === 0 && !polls.results.some(isFresh))) return;
    isAsked = true;
    void cardsModule.need(({Cards}) => {
      cards = new Cards(channel, polls);
      cards.changed();
    });
  };
}

/** Staff hears how the open polls stand, a few times a second at most. @param {Channel} channel @param {Polls} polls @param {() => void} changed */
function followTallies(channel, polls, changed) {
  const staff = socket.channel(classStaffTopic(page.classroom.id));
  staff.on("poll:tally", ({target, voted, tally}) => {
    polls.standings.set(target, {voted, tally});
    changed();
  });
  void staff.join();
  const ask = (/** @type {Poll} */ {seq}) =>
    channel.push("poll:votes", {target: seq}).then((standing) => {
      polls.standings.set(seq, standing);
      changed();
    });
  return {joined: () => polls.open.forEach((poll) => void ask(poll).catch(() => {}))};
}

/** A student's votes of before this page was loaded, and those by another. @param {Channel} channel @param {Polls} polls @param {() => void} changed */
function followOwnVotes(channel, polls, changed) {
  const take = (/** @type {{target: number, option: number}} */ {target, option}) => {
    polls.own.set(target, option);
    changed();
  };
  mine.on("poll:voted", (voted) => voted.topic === channel.topic && take(/** @type {any} */ (voted)));
  const ask = () => channel.push("poll:mine").then(({votes: own}) => own.forEach(take));
  return {joined: () => polls.all.some(({seq}) => !polls.own.has(seq)) && void ask().catch(() => {})};
}

// The menu

/** @param {Channel} channel @param {Polls} polls */
function offerPolls(channel, polls) {
  const mayOpen = () => isStaff(page.me) && polls.open.length < MAX_OPEN;
  const askYesNo = () => void pushAndClose(channel, "poll:open", {options: "yes/no"});
  offer({label: () => _("Ask yes or no"), icon: "poll", order: 20, isOffered: mayOpen, run: askYesNo});
  offer({label: () => _("New poll"), icon: "poll", order: 21, isOffered: mayOpen, run: () => void form.press(({askPoll}) => askPoll(channel))});
  offer({label: () => _("Results of polls"), icon: "poll", order: 22, isOffered: () => polls.results.length > 0, run: () => void results.press(({showResults}) => showResults(polls))});
}
