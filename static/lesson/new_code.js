/** A new one-time code for a student who cannot sign in: a teacher chooses them in the list of people, and reads it to them. */

import {offerForPeople} from "../chat/people.js";
import {_} from "../language.js";
import {later} from "../later.js";
import {page} from "../page.js";

const dialog = later(() => import("./new_code_dialog.js"));

/** Offer it to teachers, where the school lets them. */
export function showNewCodes() {
  if (page.me.role !== "teacher" || !(/** @type {any} */ (page).may_reset)) return;
  offerForPeople({
    choices: (user) => (user.role === "student" ? [{label: _("New code to sign in…"), run: () => void dialog.press(({askNewCode}) => askNewCode(user))}] : []),
    sign: () => null,
  });
}
