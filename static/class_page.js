/** The page of one class: joins its topic, and brings the parts of the page together. */

import {AMENDING, REACTING} from "./amended.js";
import {showAnnouncementBadge} from "./announcement_badge.js";
import {showAuthorAbove, waitForRest} from "./chat/author_above.js";
import {startComposer} from "./chat/composer.js";
import {Conversation} from "./chat/conversation.js";
import {History} from "./chat/history.js";
import {jumps} from "./chat/jumps.js";
import {Outgoing} from "./chat/outgoing.js";
import {mentionsMe} from "./chat/mention.js";
import {offerForMessages, startMessageMenus} from "./chat/message_menu.js";
import {messageParts, showBeside} from "./chat/message_parts.js";
import {showPeople} from "./chat/people.js";
import {atPlaceOfAddress} from "./chat/place.js";
import {Replying} from "./chat/replying.js";
import {eventRow} from "./chat/row.js";
import {Seen} from "./chat/seen.js";
import {Typing} from "./chat/typing.js";
import {isInFront, View} from "./chat/view.js";
import {showClasses} from "./class_list.js";
import {connect, mine, onOnline} from "./connection.js";
import {beginWithFirstEvents} from "./first_events.js";
import {_, list, ngettext} from "./language.js";
import {loadAhead} from "./later.js";
import {showFlags} from "./lesson/flags.js";
import {showHands} from "./lesson/hands.js";
import {showLesson} from "./lesson/lesson.js";
import {startLessonMenu} from "./lesson/menu.js";
import {showMissed} from "./lesson/missed.js";
import {showMutes} from "./lesson/mutes.js";
import {showNewCodes} from "./lesson/new_code.js";
import {showNotes} from "./lesson/notes.js";
import {noteRefusal, showOrder} from "./lesson/order.js";
import {showPins} from "./lesson/pins.js";
import {showFinding} from "./lesson/find.js";
import {showReaders} from "./lesson/readers.js";
import {showPolls} from "./lesson/polls.js";
import {showMentionsInTab} from "./mentions.js";
import {showOriginals} from "./lesson/originals.js";
import {showCards} from "./lesson/cards.js";
import {showHistory} from "./lesson/history.js";
import {showTranscript} from "./lesson/transcript.js";
import {closeMenus} from "./menu.js";
import {throttled} from "./throttle.js";
import {byId, page} from "./page.js";
import {ANNOUNCEMENT, MESSAGE, readingOf} from "./reading.js";
import {reflowBy} from "./reflow.js";
import {hush, speak} from "./spoken.js";
import {showInTab} from "./tab_sign.js";
import {mentionedIn} from "./text/mention.js";
import {plainText} from "./text/parse.js";
import {classTopic} from "./topic.js";

const topic = classTopic(page.classroom.id);
const reading = readingOf(topic, {present: true});
const {channel} = reading;
const jump = (/** @type {number} */ seq) => void history.toMessage(seq);
const conversation = new Conversation(byId("messages"), rowOf, (row, {payload}) => showBeside(row, payload, channel));
const view = new View(byId("scroller"));
const history = new History(reading, conversation, view, () => shown());
const seen = new Seen(byId("scroller"), conversation, reading, () => {
  showJumps();
  showAuthorAbove(seen.cutRow);
});
const showPlaces = jumps({
  toUnread: () => history.toUnread(),
  toNewest: () => history.toNewest(),
  readAll: () => seen.readAll(),
});
/** Whether the newest was on the screen when the jumps were shown. */
let isFollowing = true;
const showJumps = throttled(() => {
  isFollowing = history.isFollowing;
  const places = {...seen.unseen((seq) => history.saidAfter(seq)), isAtEnd: isFollowing};
  showPlaces(places);
  reading.follow(isInFront() && places.isAtEnd && places.above === 0);
}, {isQuiet: true});
const outgoing = new Outgoing(byId("pending"), channel, history, noteRefusal);
const typing = new Typing(channel, byId("typing"));

/** @typedef {import("./client/position.js").TopicEvent} TopicEvent */

/** What the conversation shows is no longer on its way. @param {TopicEvent} event */
function rowOf(event) {
  outgoing.arrived(event.payload);
  return eventRow(event, channel, event.event === MESSAGE ? messageParts(event.payload, channel, jump) : {});
}

/** The rows have changed. */
function shown() {
  outgoing.caughtUp();
  outgoing.showQuotes();
  replying.show();
  waitForRest();
  seen.changed();
  showJumps();
}

/** Whether the conversation was opened at the place that the page's address names. */
let isPlaced = false;

/** @param {import("./client/channel.js").Joined} joined */
function joinedClass(joined) {
  showWhetherOurs(true);
  history.join(joined);
  if (!isPlaced) atPlaceOfAddress(jump);
  isPlaced = true;
}

/** @param {string} event @param {any} payload */
function arrived(event, payload) {
  typing.ended(payload.author.id);
  outgoing.arrived(payload);
  history.add({event, payload});
  if (payload.author.id === page.me.id) return;
  const who = mentionsMe(payload) ? _("{name} mentions you", {name: payload.author.name}) : payload.author.name;
  speak(`${who}: ${plainText(payload.text)}`);
}

/** A message has changed; its former words are not said any more. @param {TopicEvent} change */
function changed(change) {
  history.amend(change);
  hush();
}

function showUnread() {
  showInTab("messages", isInFront() ? 0 : reading.unreadMessages);
}

/** A class may be taken away under the open page, and come back. @param {boolean} isOurs */
function showWhetherOurs(isOurs) {
  byId("gone").hidden = isOurs;
  byId("text").disabled = !isOurs;
}

/** @param {string} text */
function send(text) {
  conversation.drawLine(null);
  const answered = replying.take();
  const mentions = mentionedIn(text, page.people);
  outgoing.send({text, ...(answered !== undefined && {reply_to: answered}), ...(mentions.length > 0 && {mentions})});
  typing.sent();
  history.toNewest();
}

const {teachers = [], students = 0} = page.classroom;
byId("class-teachers").textContent = [list(teachers), page.classroom.ended ? "" : ngettext("{n} student", "{n} students", students)]
  .filter((part) => part !== "")
  .join(" · ");

// A class that ends, or goes on after all, has another page.
mine.on("rights:changed", ({topics}) => {
  const entry = topics.find((/** @type {{topic: string}} */ each) => each.topic === topic);
  if (entry !== undefined && (entry.ended ?? false) !== (page.classroom.ended ?? false)) location.reload();
});
channel.onJoin(joinedClass);
view.onScroll(() => history.isFollowing !== isFollowing && showJumps());
channel.onClose(() => showWhetherOurs(false));
for (const event of [MESSAGE, ANNOUNCEMENT]) channel.on(event, (payload) => arrived(event, payload));
for (const event of AMENDING) channel.on(event, (payload) => changed({event, payload}));
for (const event of REACTING) channel.on(event, (payload) => history.amend({event, payload}));
for (const show of [showUnread, showJumps]) reading.onChange(show);
for (const show of [showUnread, showJumps]) document.addEventListener("visibilitychange", show);
startMessageMenus(byId("text"));
startLessonMenu();
showFlags(channel);
showNotes(channel);
showOrder(channel, startComposer(topic, {onSend: send, onTyping: () => typing.tell()}));
showMutes(channel);
showNewCodes();
showReaders();
const replying = new Replying(byId("text"), (seq) => history.find(seq));
offerForMessages((payload) => (payload.hidden === undefined ? [{label: _("Reply"), icon: "reply", order: 10, run: () => replying.to(payload)}] : []));
showPins(channel, jump);
showPeople(channel);
showHands(channel);
showPolls(channel);
showLesson(channel);
showMissed(channel, () => void history.toUnread());
showOriginals();
showTranscript();
showHistory();
showCards();
showFinding();
reflowBy((change) => view.stay(change));
if (page.classes.length > 1) {
  byId("side").hidden = false;
  document.body.classList.add("has-side");
  showClasses(byId("classes"), {current: page.classroom.id});
}
showAnnouncementBadge();
onOnline((isOnline) => isOnline && loadAhead());
showMentionsInTab();
closeMenus();
void beginWithFirstEvents();
connect();
