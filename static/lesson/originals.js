/** Staff reads what a message said before it was edited or hidden; the server records each time that somebody does. */

import {offerForMessages} from "../chat/message_menu.js";
import {_} from "../language.js";
import {later} from "../later.js";
import {isStaff, page} from "../page.js";

const dialog = later(() => import("./originals_dialog.js"));

/** Offer it for the messages that have changed. */
export function showOriginals() {
  if (!isStaff(page.me)) return;
  offerForMessages(({hidden, edited, seq}, channel) => {
    const open = () => void dialog.press(({openOriginals}) => void openOriginals(seq, channel));
    return hidden === undefined && edited === undefined ? [] : [{label: _("Read the former text"), run: open}];
  });
}
