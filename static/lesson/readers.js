/** Who can read this chat, and what is kept of it: in the lesson's menu, for everybody in the class. */

import {_} from "../language.js";
import {later} from "../later.js";
import {offer} from "./menu.js";

const dialog = later(() => import("./readers_dialog.js"));

/** Offer it. */
export function showReaders() {
  offer({label: () => _("Who can read this chat"), icon: "eye", order: 90, isOffered: () => true, run: () => void dialog.press(({openReaders}) => openReaders())});
}
