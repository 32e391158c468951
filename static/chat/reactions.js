/**
 * Reactions to a message: the six to choose from, and under the message how many have reacted in which way. A press on one
 * of them reacts alike, or takes one's own back.
 */

import {pushAndClose} from "../dialog.js";
import {h} from "../dom.js";
import {_, list, number} from "../language.js";
import {isStaff, page} from "../page.js";

/** The server's (channels/lesson/chat.py), in its order, and what they mean to who does not see them. @returns {[string, string][]} */
const kinds = () => [
  ["👍", _("I agree")],
  ["❤️", _("I like it")],
  ["🎉", _("Bravo")],
  ["💡", _("Good idea")],
  ["🤔", _("Not clear to me yet")],
  ["✅", _("Done")],
];
/** Names in a hint: more than that nobody reads there. */
const MAX_NAMES = 40;

/**
 * @typedef {import("../amended.js").Reaction} Reaction
 * @typedef {import("../client/channel.js").Channel} Channel
 */

/** Whether the school lets this user react. */
export function mayReact() {
  return page.topics.pushes.includes("message:react");
}

/** What stands under a message. @param {any} payload @param {Channel} channel */
export function reactionLine(payload, channel) {
  const line = h("p", {class: "reactions"});
  showReactions(line, payload, channel);
  return line;
}

/** Show the reactions that a message has now; a chip that has the focus keeps it. @param {HTMLElement} line @param {any} payload @param {Channel} channel */
export function showReactions(line, payload, channel) {
  const focused = line.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.emoji : undefined;
  const reactions = /** @type {Reaction[]} */ (payload.hidden === undefined ? payload.reactions ?? [] : []);
  const shown = kinds().flatMap(([emoji, meaning]) => {
    const users = reactions.find((each) => each.emoji === emoji)?.users ?? [];
    return users.length === 0 ? [] : [chip(payload.seq, {emoji, users}, meaning, channel)];
  });
  line.replaceChildren(...shown);
  line.hidden = shown.length === 0;
  if (focused !== undefined) (shown.find(({dataset}) => dataset.emoji === focused) ?? shown[0])?.focus();
}

/** @param {number} target @param {Reaction} reaction @param {string} meaning @param {Channel} channel */
function chip(target, {emoji, users}, meaning, channel) {
  const isOwn = isMine(users);
  const names = users.slice(0, MAX_NAMES).map(({id, name}) => (id === page.me.id ? _("You") : name));
  const who = isStaff(page.me) ? `${meaning}: ${list(names)}${users.length > MAX_NAMES ? "…" : ""}` : meaning;
  return h(
    "button",
    {
      class: "reaction",
      type: "button",
      tabindex: "-1",
      title: who,
      "data-emoji": emoji,
      "aria-pressed": String(isOwn),
      "aria-label": `${number(users.length)} · ${who}`,
      disabled: !mayReact(),
      onclick: () => toggle(channel, target, emoji, isOwn),
    },
    h("span", {"aria-hidden": "true"}, emoji),
    number(users.length),
  );
}

/** The six, to choose one. @param {any} payload @param {Channel} channel */
export function reactionChoices({seq, reactions = []}, channel) {
  const buttons = kinds().map(([emoji, meaning]) => {
    const isOwn = isMine(reactions.find((/** @type {Reaction} */ each) => each.emoji === emoji)?.users ?? []);
    const run = () => toggle(channel, seq, emoji, isOwn);
    return h("button", {class: "reaction-choice", type: "button", title: meaning, "aria-label": meaning, "aria-pressed": String(isOwn), onclick: run}, emoji);
  });
  return h("div", {class: "reaction-choices", role: "group", "aria-label": _("React")}, ...buttons);
}

/** @param {Channel} channel @param {number} target @param {string} emoji @param {boolean} isOwn */
function toggle(channel, target, emoji, isOwn) {
  void pushAndClose(channel, isOwn ? "message:unreact" : "message:react", {target, emoji});
}

/** @param {{id: number}[]} users */
function isMine(users) {
  return users.some(({id}) => id === page.me.id);
}
