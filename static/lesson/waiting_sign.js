/**
 * The sign of a class in a list: what waits there for the user alone. For its teachers that are reported messages and notes of
 * students, for a student answers of the teachers. Who has every class does not look after each.
 */

import {socket} from "../connection.js";
import {h, icon} from "../dom.js";
import {ngettext, number} from "../language.js";
import {throttled} from "../throttle.js";
import {isStaff, page} from "../page.js";
import {followFlags} from "../reports/follow.js";
import {classStaffTopic, classTopic} from "../topic.js";
import {NOTE} from "./note_history.js";
import {newsOf, onNews} from "./own_news.js";
import {followNotes} from "./waiting_notes.js";

/** @param {number} id the class's @returns {HTMLElement} keeps itself up to date */
export function waitingSign(id) {
  const place = h("span", {class: "class-waiting"});
  if (!isStaff(page.me)) onNews(() => showAnswers(place, id));
  else if (!page.topics.all_classes) followStaff(place, id);
  return place;
}

/** @param {HTMLElement} place @param {number} id */
function showAnswers(place, id) {
  const count = newsOf(classTopic(id)).filter(({event}) => event === NOTE).length;
  place.replaceChildren(...sign("note", count, ngettext("{n} note for you", "{n} notes for you", count)));
}

/** @param {HTMLElement} place @param {number} id */
function followStaff(place, id) {
  const channel = socket.channel(classStaffTopic(id));
  const show = throttled(() => {
    const [reported, notes] = [flags.count, waiting.count];
    place.replaceChildren(
      ...sign("flag", reported, ngettext("{n} report", "{n} reports", reported)),
      ...sign("note", notes, ngettext("{n} note", "{n} notes", notes)),
    );
  });
  const flags = followFlags(channel, show);
  const waiting = followNotes(channel, show);
  void channel.join();
}

/** @param {string} name @param {number} count @param {string} words */
function sign(name, count, words) {
  return count === 0 ? [] : [h("span", {class: "waiting-sign", title: words}, icon(name), number(count), h("span", {class: "visually-hidden"}, ` ${words}`))];
}
