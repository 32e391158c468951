/** Messages and announcements that change after they were sent: what the events about them make of them. */

export const CORRECTED = "announcement:corrected";
export const WITHDRAWN = "announcement:withdrawn";
export const EDITED = "message:edited";
export const HIDDEN = "message:hidden";
export const RESTORED = "message:restored";
export const AMENDING = [EDITED, HIDDEN, RESTORED, CORRECTED, WITHDRAWN];

/** @typedef {import("./client/position.js").TopicEvent} TopicEvent */

/** Whether an event changes an earlier one. @param {TopicEvent} event */
export function isAmending({event}) {
  return AMENDING.includes(event);
}

/**
 * Replace the message that an event is about, if it is among these; returns its place, -1 where it is not.
 * @param {TopicEvent[]} events @param {TopicEvent} change
 */
export function amend(events, change) {
  const index = events.findIndex(({payload}) => payload.seq === change.payload.target);
  if (index >= 0) events[index] = {...events[index], payload: {...events[index].payload, ...changes(change)}};
  return index;
}

/** @param {TopicEvent} change */
function changes({event, payload}) {
  if (event === CORRECTED) return {title: payload.title, text: payload.text, corrected: payload.at};
  if (event === WITHDRAWN) return {title: "", text: "", withdrawn: {by: payload.author}};
  if (event === EDITED) return {text: payload.text, edited: payload.at};
  if (event === HIDDEN) return {text: "", hidden: {by: payload.author, reason: payload.reason}};
  return {text: payload.text, hidden: undefined};
}
