/**
 * The names of topics: which kinds there are, and how a name is taken apart and put together. No other module does that.
 *
 * The server's table is channels/topics/kind.py; this one has the kinds that the pages show.
 */

/**
 * `id` is the number of a class, and absent for other kinds.
 * @typedef {{kind: string, id?: number}} Topic
 */

export const SCHOOL = "school";
/** The user's own topic. */
export const USER = "user:me";
export const DASHBOARD = "dashboard";
/** What principals alone see. */
export const PRINCIPALS = "principals";

/** Each kind with the pattern of its names; the first group is the number of a class. @type {[string, RegExp][]} */
const KINDS = [
  ["class", /^class:([1-9][0-9]{0,17})$/],
  ["staff", /^class:([1-9][0-9]{0,17}):staff$/],
  ["role", /^role:[a-z]{1,32}$/],
  [SCHOOL, /^school$/],
  ["user", /^user:me$/],
  [PRINCIPALS, /^principals$/],
  [DASHBOARD, /^dashboard$/],
];

/** Take a name apart; a name of no kind that is known here has the kind "". @param {string} name @returns {Topic} */
export function parseTopic(name) {
  for (const [kind, pattern] of KINDS) {
    const found = pattern.exec(name);
    if (found !== null) return found[1] === undefined ? {kind} : {kind, id: Number(found[1])};
  }
  return {kind: ""};
}

/** @param {number} id @returns {string} the name of a class's topic */
export function classTopic(id) {
  return `class:${id}`;
}

/** @param {number} id the class's @returns {string} the name of the topic of its staff */
export function classStaffTopic(id) {
  return `class:${id}:staff`;
}

/** @param {string} role the plural that the server uses, such as "students" @returns {string} */
export function roleTopic(role) {
  return `role:${role}`;
}

/** @param {string} name @returns {boolean} */
export function isClass(name) {
  return parseTopic(name).kind === "class";
}
