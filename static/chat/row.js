/** One row of a conversation: a message, an announcement, or a line between. */

import {announcementCard} from "../announcement.js";
import {avatar, roleBadge} from "../avatar.js";
import {isolated} from "../bidi.js";
import {h} from "../dom.js";
import {folding} from "../fold.js";
import {_} from "../language.js";
import {later} from "../later.js";
import {isStaff, page} from "../page.js";
import {ANNOUNCEMENT} from "../reading.js";
import {reflow} from "../reflow.js";
import {textElement} from "../text.js";
import {clockTime, timeElement} from "../time.js";
import {markMentions, mentionsMe} from "./mention.js";

const announcementParts = later(() => import("../announcements/row_parts.js"));

/**
 * What stands beside a message's words: what it answers, who has reacted, what the user may do with it.
 * @typedef {{quote?: Node | null, reactions?: Node | null, menu?: Node | null}} Parts
 */

/**
 * @param {import("../client/position.js").TopicEvent} event
 * @param {import("../client/channel.js").Channel} channel
 * @param {Parts} parts those of a message
 */
export function eventRow({event, payload}, channel, parts) {
  return event === ANNOUNCEMENT ? announcementRow(payload, channel) : messageRow(payload, parts);
}

/** Its author may change it, staff sees who has read it, who is asked answers. @param {any} payload @param {import("../client/channel.js").Channel} channel */
function announcementRow(payload, channel) {
  const card = announcementCard(payload, {format: clockTime});
  if (isStaff(page.me) || payload.acknowledge === true) void announcementParts.need(({rowParts}) => reflow(() => showParts(card, rowParts(channel, payload))));
  return h("li", {class: "announcement-row", "data-seq": payload.seq}, card);
}

/** @param {HTMLElement} card @param {{menu: Node | null, foot: Node[]}} parts */
function showParts(card, {menu, foot}) {
  if (menu !== null) card.querySelector(".announcement-head")?.append(menu);
  card.append(...foot);
}

/**
 * @param {any} payload
 * @param {Parts} parts
 */
export function messageRow(payload, {quote = null, reactions = null, menu = null} = {}) {
  const {author, seq, at, edited} = payload;
  const isOwn = author.id === page.me.id;
  return h(
    "li",
    {class: `row ${isOwn ? "own" : ""} ${!isOwn && isStaff(author) ? "by-staff" : ""} ${mentionsMe(payload) ? "mentions-me" : ""}`, "data-seq": seq},
    avatar(author),
    h(
      "div",
      {class: "bubble"},
      h("p", {class: "author"}, h("bdi", {}, author.name), roleBadge(author)),
      isOwn ? h("span", {class: "visually-hidden"}, `${_("You")}: `) : null,
      quote,
      wordsOf(payload),
      menu,
      at === undefined ? null : h("span", {class: "meta"}, edited === undefined ? null : `${_("edited")} · `, timeElement(at, clockTime)),
      reactions,
    ),
  );
}

/** @param {any} payload */
function wordsOf(payload) {
  const {text, hidden, mentions = []} = payload;
  if (hidden !== undefined) return h("span", {class: "text hidden-text", dir: "auto"}, hiddenWords(payload));
  return folding(markMentions(textElement(text), mentions), text);
}

/** @param {any} payload */
function hiddenWords({author, hidden: {by, reason}}) {
  if (by.id === author.id) return _("This message was deleted.");
  const words = _("Hidden by {name}.", {name: isolated(by.name)});
  return reason ? `${words} ${reason}` : words;
}

/** @param {Node | string} text @param {boolean} isNew */
export function divider(text, isNew = false) {
  return h("li", {class: isNew ? "divider new" : "divider"}, h("span", {}, text));
}
