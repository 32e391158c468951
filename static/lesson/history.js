/** The principal reaches the history of a class, its messages by day and hour, from the list of the lesson. */

import {_} from "../language.js";
import {page} from "../page.js";
import {offer} from "./menu.js";

export function showHistory() {
  const open = () => location.assign(`${page.home}classes/${page.classroom.id}/history`);
  offer({label: () => _("Messages by day"), icon: "poll", order: 61, isOffered: () => page.me.role === "principal", run: open});
}
