/**
 * Muting: staff choose a student in the list of people or by one of their messages, and for how long. Only staff and the
 * student see it.
 */

import {offerForMessages} from "../chat/message_menu.js";
import {offerForPeople} from "../chat/people.js";
import {_} from "../language.js";
import {later} from "../later.js";
import {isStaff} from "../page.js";
import {comingTime} from "../time.js";
import {classStaff} from "./class_staff.js";

const dialog = later(() => import("./mute_dialog.js"));

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../page.js").User} User */

/** @type {Map<number, number>} until when whom (ms) */
const muted = new Map();

/** @param {Channel} channel the class's */
export function showMutes(channel) {
  const staff = classStaff();
  if (staff === null) return;
  const people = offerForPeople({
    choices: (user) => (isStaff(user) ? [] : [{label: label(user), run: () => showMute(user, channel)}]),
    sign: (user) => (isMuted(user) ? _("Muted until {time}", {time: comingTime(muted.get(user.id) ?? 0)}) : null),
  });
  offerForMessages(({author}) => (isStaff(author) ? [] : [{label: label(author), icon: "clock", order: 70, run: () => showMute(author, channel)}]));
  staff.onJoin(({state}) => {
    muted.clear();
    for (const {user, until} of state.mutes ?? []) muted.set(user, until);
    people.changed();
  });
  staff.on("member:muted", ({user, until}) => {
    muted.set(user, until);
    people.changed();
  });
  staff.on("member:unmuted", ({user}) => {
    muted.delete(user);
    people.changed();
  });
}

/** @param {User} user */
function isMuted({id}) {
  return (muted.get(id) ?? 0) > Date.now();
}

/** @param {User} user */
function label(user) {
  return isMuted(user) ? _("Muted…") : _("Mute…");
}

/** @param {User} user @param {Channel} channel */
function showMute(user, channel) {
  void dialog.press(({openMute}) => openMute(user, muted.get(user.id) ?? 0, channel));
}
