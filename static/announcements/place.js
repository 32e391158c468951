/** The names of the places to which one announces. */

import {_} from "../language.js";
import {page} from "../page.js";
import {SCHOOL, parseTopic, roleTopic} from "../topic.js";

/** @param {string} topic */
export function placeName(topic) {
  const wide = new Map([
    [SCHOOL, _("The whole school")],
    [roleTopic("students"), _("All students")],
    [roleTopic("teachers"), _("All teachers")],
  ]);
  const name = wide.get(topic);
  if (name !== undefined) return name;
  const {kind, id} = parseTopic(topic);
  if (kind !== "class") return topic;
  return page.classes.find((each) => each.id === id)?.title ?? _("Class");
}
