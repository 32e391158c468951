/** For how long a student is muted, to be chosen, or ended. */

import {cancel, choice, pushAndClose, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_, ngettext} from "../language.js";
import {comingTime} from "../time.js";

const MINUTES = [5, 15, 60];

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../page.js").User} User */

/** @param {User} user @param {number} until when the user is muted until (ms), or was @param {Channel} channel */
export function openMute(user, until, channel) {
  const mute = (/** @type {number} */ minutes) => void pushAndClose(channel, "member:mute", {user: user.id, minutes});
  const unmute = () => void pushAndClose(channel, "member:unmute", {user: user.id});
  const isOver = until <= Date.now();
  const words = isOver
    ? _("{name} can then read and not write here. Only {name} and the staff of the class know.", {name: user.name})
    : _("{name} cannot write here until {time}.", {name: user.name, time: comingTime(until)});
  const title = isOver ? _("Mute {name}?", {name: user.name}) : _("{name} is muted", {name: user.name});
  const choices = MINUTES.map((minutes) => choice(ngettext("{n} minute", "{n} minutes", minutes), () => mute(minutes)));
  if (!isOver) choices.unshift(choice(_("Unmute"), unmute));
  showDialog(title, [h("p", {}, words), h("div", {class: "dialog-choices"}, ...choices, cancel())]);
}
