/** The page of one class: joins its topic, and brings the parts of the page together. */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {startComposer} from "./chat/composer.js";
import {Conversation} from "./chat/conversation.js";
import {History} from "./chat/history.js";
import {Outgoing} from "./chat/outgoing.js";
import {showPeople} from "./chat/people.js";
import {eventRow} from "./chat/row.js";
import {Typing} from "./chat/typing.js";
import {isInFront, View} from "./chat/view.js";
import {showClasses} from "./class_list.js";
import {connect} from "./connection.js";
import {list, ngettext} from "./language.js";
import {closeMenus} from "./menu.js";
import {byId, page} from "./page.js";
import {ANNOUNCEMENT, isSaid, MESSAGE, readingOf} from "./reading.js";
import {speak} from "./spoken.js";
import {showInTab} from "./tab_sign.js";
import {classTopic} from "./topic.js";

const topic = classTopic(page.classroom.id);
const reading = readingOf(topic, {present: true});
const {channel} = reading;
const conversation = new Conversation(byId("messages"), rowOf);
const view = new View({scroller: byId("scroller"), jump: byId("jump")}, conversation, (seq) => reading.mark(seq));
const history = new History(channel, conversation, view);
const outgoing = new Outgoing(byId("pending"), channel, conversation);
const typing = new Typing(channel, byId("typing"));
let isOpen = false;

/** @typedef {import("./client/position.js").TopicEvent} TopicEvent */

/** What the conversation shows is no longer on its way. @param {TopicEvent} event */
function rowOf(event) {
  outgoing.arrived(event.payload);
  return eventRow(event, channel);
}

/** @param {TopicEvent[]} events */
function append(events) {
  const end = conversation.lastSeq;
  const count = events.filter(isByOther).length;
  view.follow(() => {
    conversation.append(events);
    outgoing.caughtUp();
    // The first that nobody looked at: `reading` has counted these already.
    if (!isInFront() && count > 0 && reading.unread === count) conversation.drawLine(end);
    return count;
  });
}

/** @param {TopicEvent} event */
function isByOther({payload}) {
  return payload.author.id !== page.me.id;
}

/** @param {import("./client/channel.js").Joined} joined */
function joined({resumed, events, seq, read}) {
  const said = events.filter(isSaid);
  showWhetherOurs(true);
  if (resumed) return append(said);
  conversation.replace(said);
  outgoing.caughtUp();
  conversation.drawLine(read > 0 ? read : null);
  if (!isOpen) view.open();
  else view.toEnd();
  isOpen = true;
  history.restart(events, seq);
}

/** @param {string} event @param {any} payload */
function arrived(event, payload) {
  typing.ended(payload.author.id);
  append([{event, payload}]);
  if (payload.author.id !== page.me.id) speak(`${payload.author.name}: ${payload.text}`);
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
  outgoing.send(text);
  typing.sent();
  view.toEnd();
}

const {teachers = [], students = 0} = page.classroom;
byId("class-teachers").textContent = [list(teachers), ngettext("{n} student", "{n} students", students)]
  .filter((part) => part !== "")
  .join(" · ");

channel.onJoin(joined);
channel.onClose(() => showWhetherOurs(false));
for (const event of [MESSAGE, ANNOUNCEMENT]) channel.on(event, (payload) => arrived(event, payload));
reading.onChange(showUnread);
document.addEventListener("visibilitychange", showUnread);
startComposer(topic, {onSend: send, onTyping: () => typing.tell(), onGrow: (grow) => view.hold(grow)});
showPeople(channel);
if (page.classes.length > 1) {
  byId("side").hidden = false;
  document.body.classList.add("has-side");
  showClasses(byId("classes"), {current: page.classroom.id});
}
showAnnouncementBadge();
closeMenus();
connect();
