/**
 * What the server wrote into this page for its scripts: who is signed in, where their pages and their socket are, and
 * whatever else this page is about.
 */

/**
 * @typedef {{id: number, name: string, role: "student" | "teacher" | "principal"}} User
 * @typedef {{id: number, title: string, students?: number, teachers?: string[]}} Classroom
 * @typedef {{me: User, home: string, socket: string, classes: Classroom[], people: User[], classroom: Classroom}} Page
 */

/** @type {Page} */
export const page = JSON.parse(document.body.dataset.page || "{}");

/** @param {{role: string}} user */
export function isStaff(user) {
  return user.role !== "student";
}

/**
 * Find an element that the template of this page has.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  return document.getElementById(id);
}
