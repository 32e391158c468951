/**
 * What the server wrote into this page for its scripts: who is signed in, where their pages and their socket are, and
 * whatever else this page is about.
 */

/**
 * @typedef {{id: number, name: string, role: string}} User
 * @typedef {{id: number, title: string, students?: number, teachers?: string[], grade?: string, ended?: boolean}} Classroom
 * `staff`: the roles that teach or lead. `topics`: what the user's role joins (`wide`: topics with announcements for more
 * than a class), where it sees who has read (`receipts`: topics and kinds of topic) and is asked to confirm (`acknowledges`),
 * whether it has every class, and what it may push in a class (`pushes`).
 * `quiet_until`: when the school's quiet hours end, where the page was opened in them.
 * `joins`: where the newest events of the page's topic are, as a reply to its join.
 * @typedef {{wide: string[], receipts: string[], acknowledges: string[], all_classes: boolean, pushes: string[]}} OwnTopics
 * @typedef {{me: User, home: string, socket: string, staff: string[], topics: OwnTopics, classes: Classroom[],
 *            people: User[], classroom: Classroom, joins?: string, quiet_until?: number | null}} Page
 */

/** @type {Page} */
export const page = JSON.parse(document.body.dataset.page || "{}");

/** @param {{role: string}} user */
export function isStaff(user) {
  return page.staff.includes(user.role);
}

/**
 * Find an element that the template of this page has.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  return document.getElementById(id);
}
