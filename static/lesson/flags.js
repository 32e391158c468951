/**
 * Reports of messages: everybody may report what somebody else has said. The staff of the class sees under the class's head
 * how many wait, and works through them in the dialog.
 */

import {classStaff} from "./class_staff.js";
import {offerForMessages} from "../chat/message_menu.js";
import {mine} from "../connection.js";
import {_, ngettext} from "../language.js";
import {later} from "../later.js";
import {page} from "../page.js";
import {followFlags} from "../reports/follow.js";
import {FLAGGED} from "../reports/open_flags.js";
import {classTopic} from "../topic.js";
import {inboxEntry} from "./inbox.js";

const form = later(() => import("./flag_form.js"));
const cases = later(() => import("./flag_cases.js"));

/** @typedef {import("../client/channel.js").Channel} Channel */

/** The messages of this class that the user has reported. @type {Set<number>} */
const reported = new Set();

/** @param {Channel} channel the class's */
export function showFlags(channel) {
  mine.onJoin(({events}) => events.filter(({event}) => event === FLAGGED).forEach(({payload}) => note(payload)));
  mine.on(FLAGGED, note);
  if (page.topics.pushes.includes("message:flag")) offerForMessages((payload) => (mayReport(payload) ? [{label: _("Report"), icon: "flag", order: 90, run: () => void form.press(({askReason}) => askReason(payload, channel))}] : []));
  const staff = classStaff();
  if (staff !== null) showToStaff(channel, staff);
}

/** @param {any} flag one's own */
function note({topic, target}) {
  if (topic === classTopic(page.classroom.id)) reported.add(target);
}

/** What its author has deleted may be reported, too. @param {any} message */
function mayReport({seq, author, hidden}) {
  return author.id !== page.me.id && !reported.has(seq) && (hidden === undefined || hidden.by.id === author.id);
}

/** Staff sees how many wait. @param {Channel} channel @param {Channel} staff */
function showToStaff(channel, staff) {
  /** @type {ReturnType<typeof import("./flag_cases.js").casesDialog> | null} */
  let dialog = null;
  const open = () => cases.press(({casesDialog}) => void (dialog ??= casesDialog(channel, staff, flags)).open());
  const entry = inboxEntry("flag", () => void open());
  const flags = followFlags(staff, () => {
    const {count} = flags;
    entry.show(count === 0 ? "" : ngettext("{n} report", "{n} reports", count));
    dialog?.changed();
  });
}
