/** The hours of this class, which its staff choose: those of the school, or others. */

import {_} from "../language.js";
import {later} from "../later.js";
import {isStaff, page} from "../page.js";
import {offer} from "./menu.js";

/** @typedef {import("./restrictions.js").ClassHours} ClassHours */

const dialog = later(() => import("./hours_dialog.js"));

/**
 * Offer it in the lesson's menu.
 * @param {import("../client/channel.js").Channel} channel the class's @param {() => Promise<ClassHours>} hours as they are now
 */
export function offerHours(channel, hours) {
  if (!isStaff(page.me)) return;
  const open = () => void dialog.press(({openHours}) => void hours().then((now) => openHours(channel, now)));
  offer({label: () => _("Hours of the chat…"), icon: "clock", order: 70, isOffered: () => true, run: open});
}
