/** Reads the notes of a topic. */

export const NOTE = "note:sent";
export const NOTE_CLOSED = "note:closed";

/** The end of every topic (channels/field.py). */
const END = 2 ** 53;
/** As many as the server reads at once (channels/limit.py). */
const PAGE = 200;

/** @typedef {import("../client/channel.js").Channel} Channel */

/** The newest notes of a topic, oldest first. @param {Channel} channel @returns {Promise<any[]>} */
export async function newestNotes(channel) {
  return (await notesBefore(channel, END)).notes;
}

/** The notes before a position, oldest first, and whether there are more before them. @param {Channel} channel @param {number} before */
export async function notesBefore(channel, before) {
  const {events, more} = await channel.push("history:read", {before, event: NOTE, limit: PAGE});
  return {notes: events.map((/** @type {any} */ event) => event.payload), more};
}

/** The user's own reports, oldest first. @param {Channel} channel @param {string} event @returns {Promise<any[]>} */
export async function newestReports(channel, event) {
  const page = await channel.push("history:read", {before: END, event, limit: PAGE});
  return page.events.map((/** @type {any} */ each) => each.payload);
}
