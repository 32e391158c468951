/** The names of the places to which one announces. */

import {_} from "../language.js";
import {page} from "../page.js";

/** @param {string} topic */
export function placeName(topic) {
  const wide = {school: _("The whole school"), "role:students": _("All students"), "role:teachers": _("All teachers")};
  const name = wide[/** @type {keyof typeof wide} */ (topic)];
  if (name !== undefined) return name;
  const id = Number(topic.slice("class:".length));
  return page.classes.find((each) => each.id === id)?.title ?? _("Class");
}
