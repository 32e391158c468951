/**
 * Members of the class in a text: `@` and the whole name. Which of them a text mentions is read off the text, so that a
 * draft keeps it over a reload, and deleting the name takes it back.
 */

/** The server's (channels/limit.py). */
const MAX_MENTIONS = 10;
const LETTER = /[\p{L}\p{N}]/u;

/** @typedef {import("../page.js").User} User */

/** The ids of the members whom a text mentions, the first ones of too many. @param {string} text @param {User[]} members @returns {number[]} */
export function mentionedIn(text, members) {
  if (!text.includes("@")) return [];
  const found = placesOf(text, members).flatMap(({users}) => users.map(({id}) => id));
  return [...new Set(found)].slice(0, MAX_MENTIONS);
}

/**
 * Where a text has names; of two names that begin alike the longer one counts. Two members of one name are both meant.
 * @param {string} text @param {User[]} members
 * @returns {{start: number, end: number, users: User[]}[]}
 */
export function placesOf(text, members) {
  const longest = [...members].sort((one, other) => other.name.length - one.name.length);
  const places = [];
  for (let start = text.indexOf("@"); start >= 0; start = text.indexOf("@", start + 1)) {
    const found = longest.find(({name}) => isAt(text, start, name));
    if (found !== undefined) places.push({start, end: start + 1 + found.name.length, users: members.filter(({name}) => name === found.name)});
  }
  return places;
}

/** @param {string} text @param {number} start @param {string} name */
function isAt(text, start, name) {
  return text.startsWith(name, start + 1) && !LETTER.test(text.charAt(start + 1 + name.length)) && !LETTER.test(text.charAt(start - 1));
}
