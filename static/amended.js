/** Messages and announcements that change after they were sent: what the events about them make of them. */

export const CORRECTED = "announcement:corrected";
export const WITHDRAWN = "announcement:withdrawn";
export const EDITED = "message:edited";
export const HIDDEN = "message:hidden";
export const RESTORED = "message:restored";
export const REACTED = "message:reacted";
export const UNREACTED = "message:unreacted";
/** These change the words. */
export const AMENDING = [EDITED, HIDDEN, RESTORED, CORRECTED, WITHDRAWN];
/** These change what stands beside them. */
export const REACTING = [REACTED, UNREACTED];

/** The server's (channels/limit.py). */
const MAX_QUOTE = 160;

/**
 * @typedef {import("./client/position.js").TopicEvent} TopicEvent
 * @typedef {import("./page.js").User} User
 * @typedef {{emoji: string, users: User[]}} Reaction
 */

/** Whether an event changes an earlier one. @param {TopicEvent} event */
export function isAmending({event}) {
  return AMENDING.includes(event) || REACTING.includes(event);
}

/**
 * Replace what an event changes, if it is among these; returns the places.
 * @param {TopicEvent[]} events @param {TopicEvent} change
 */
export function amend(events, change) {
  /** @type {number[]} */
  const places = [];
  const {target} = change.payload;
  events.forEach((event, index) => {
    if (event.payload.seq !== target && event.payload.reply_to !== target) return;
    const changes = event.payload.seq === target ? changesOf(event.payload, change) : changesOfReply(event.payload, change);
    if (changes === null) return;
    events[index] = {...event, payload: {...event.payload, ...changes}};
    places.push(index);
  });
  return places;
}

/** @param {any} message @param {TopicEvent} change */
function changesOf(message, {event, payload}) {
  if (REACTING.includes(event)) return {reactions: reactionsAfter(message.reactions ?? [], payload, event === REACTED)};
  if (event === CORRECTED) return {title: payload.title, text: payload.text, corrected: payload.at};
  if (event === WITHDRAWN) return {title: "", text: "", withdrawn: {by: payload.author}};
  if (event === EDITED) return {text: payload.text, edited: payload.at};
  if (event === HIDDEN) return {text: "", hidden: {by: payload.author, reason: payload.reason}};
  return {text: payload.text, hidden: undefined};
}

/** @param {any} reply @param {TopicEvent} change */
function changesOfReply({quote}, {event, payload}) {
  if (quote === undefined || REACTING.includes(event)) return null;
  return {quote: {...quote, text: quoted(payload.text ?? "")}};
}

/** The words of a message as a quote has them. @param {string} text */
export function quoted(text) {
  const characters = Array.from(text.slice(0, 2 * MAX_QUOTE + 2));
  return characters.length <= MAX_QUOTE ? text : `${characters.slice(0, MAX_QUOTE - 1).join("")}…`;
}

/** @param {Reaction[]} reactions @param {any} change @param {boolean} isOn @returns {Reaction[]} */
function reactionsAfter(reactions, {emoji, author}, isOn) {
  const before = reactions.find((each) => each.emoji === emoji);
  const others = (before?.users ?? []).filter(({id}) => id !== author.id);
  const after = {emoji, users: isOn ? [...others, author] : others};
  const changed = before === undefined ? [...reactions, after] : reactions.map((each) => (each === before ? after : each));
  return changed.filter(({users}) => users.length > 0);
}
