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

/**
 * @param {import("../client/position.js").TopicEvent} event
 * @param {import("../client/channel.js").Channel} channel
 * @param {Node | null} menu what the user may do with a message
 */
export function eventRow({event, payload}, channel, menu) {
  return event === ANNOUNCEMENT ? announcementRow(payload, channel) : messageRow(payload, menu);
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
 * @param {Node | null} menu what the user may do with it
 */
export function messageRow(payload, menu = null) {
  const {text, author, seq, at, edited, hidden} = payload;
  const isOwn = author.id === page.me.id;
  return h(
    "li",
    {class: `row ${isOwn ? "own" : ""} ${!isOwn && isStaff(author) ? "by-staff" : ""}`, "data-seq": seq},
    avatar(author),
    h(
      "div",
      {class: "bubble"},
      h("p", {class: "author"}, h("bdi", {}, author.name), roleBadge(author)),
      isOwn ? h("span", {class: "visually-hidden"}, `${_("You")}: `) : null,
      hidden === undefined ? folding(textElement(text), text) : h("span", {class: "text hidden-text", dir: "auto"}, hiddenWords(payload)),
      at === undefined ? null : h("span", {class: "meta"}, edited === undefined ? null : `${_("edited")} · `, timeElement(at, clockTime)),
      menu,
    ),
  );
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
