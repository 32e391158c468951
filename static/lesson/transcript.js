/** Staff downloads what was said in the class; the server records each download. */

import {_} from "../language.js";
import {later} from "../later.js";
import {isStaff, page} from "../page.js";
import {offer} from "./menu.js";

const dialog = later(() => import("./transcript_dialog.js"));

/** Offer it in the list of the lesson. */
export function showTranscript() {
  offer({label: () => _("Transcript"), icon: "download", order: 90, isOffered: () => isStaff(page.me), run: () => void dialog.press(({openTranscript}) => openTranscript())});
}
