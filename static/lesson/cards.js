/** Teachers reach the cards of their class, with which pupils sign in for the first time, from the list of the lesson. */

import {_} from "../language.js";
import {page} from "../page.js";
import {offer} from "./menu.js";

export function showCards() {
  const open = () => location.assign(`${page.home}classes/${page.classroom.id}/cards`);
  offer({label: () => _("Cards for the first sign-in"), icon: "card", order: 85, isOffered: () => page.me.role === "teacher", run: open});
}
