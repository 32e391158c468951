/** From a class to the page that finds what was said in it. */

import {_} from "../language.js";
import {page} from "../page.js";
import {classTopic} from "../topic.js";
import {offer} from "./menu.js";

/** Offer it in the list of the lesson. */
export function showFinding() {
  const topic = classTopic(page.classroom.id);
  offer({label: () => _("Search in this class"), icon: "search", order: 80, isOffered: () => true, run: () => location.assign(`/search?${new URLSearchParams({topic})}`)});
}
