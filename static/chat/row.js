/** One row of a conversation: a message, an announcement, or a line between. */

import {announcementCard} from "../announcement.js";
import {acknowledgement} from "../announcements/acknowledgement.js";
import {changeButton} from "../announcements/changing.js";
import {avatar, roleBadge} from "../avatar.js";
import {isolated} from "../bidi.js";
import {h} from "../dom.js";
import {folding} from "../fold.js";
import {_} from "../language.js";
import {isStaff, page} from "../page.js";
import {ANNOUNCEMENT} from "../reading.js";
import {receiptLine} from "../receipts.js";
import {textElement} from "../text.js";
import {clockTime, timeElement} from "../time.js";
import {markMentions, mentionsMe} from "./mention.js";

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

/** Staff sees who has read it. @param {any} payload @param {import("../client/channel.js").Channel} channel */
function announcementRow(payload, channel) {
  const receipts = isStaff(page.me) && payload.withdrawn === undefined ? h("div", {class: "receipts"}, receiptLine(channel, payload, null)) : null;
  const foot = [acknowledgement(channel, payload), receipts];
  const card = announcementCard(payload, {format: clockTime, menu: changeButton(channel, payload), foot});
  return h("li", {class: "announcement-row", "data-seq": payload.seq}, card);
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
