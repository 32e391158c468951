/** A user's round sign: the initials of the name, in a colour that stays theirs; and what staff is called. */

import {unmarked} from "./bidi.js";
import {h} from "./dom.js";
import {_} from "./language.js";

/** As many as base.css has. */
const TONES = 6;

/** @param {string} name */
export function initials(name) {
  const words = unmarked(name).trim().split(/\s+/);
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return chosen.map((word) => Array.from(word)[0] ?? "").join("").toLocaleUpperCase();
}

/** @param {{id: number, name: string}} user */
export function avatar(user) {
  return h("span", {class: `avatar tone-${user.id % TONES}`, "aria-hidden": "true"}, initials(user.name));
}

/** @param {{role: string}} user @returns {HTMLElement | null} nothing for students: most are */
export function roleBadge(user) {
  const names = {teacher: _("Teacher"), principal: _("Principal")};
  const name = names[/** @type {keyof typeof names} */ (user.role)];
  return name === undefined ? null : h("span", {class: "badge"}, name);
}
