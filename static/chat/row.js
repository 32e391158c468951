/** One row of a conversation: a message, an announcement, or a line between. */

import {announcementCard} from "../announcement.js";
import {avatar, roleBadge} from "../avatar.js";
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
 */
export function eventRow({event, payload}, channel) {
  return event === ANNOUNCEMENT ? announcementRow(payload, channel) : messageRow(payload);
}

/** Staff sees who has read it. @param {any} payload @param {import("../client/channel.js").Channel} channel */
function announcementRow(payload, channel) {
  const card = announcementCard(payload, {format: clockTime});
  if (isStaff(page.me)) card.append(h("div", {class: "receipts"}, receiptLine(channel, payload, null)));
  return h("li", {class: "announcement-row", "data-seq": payload.seq}, card);
}

/** @param {any} payload */
export function messageRow({text, author, seq, at}) {
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
      folding(textElement(text), text),
      at === undefined ? null : h("span", {class: "meta"}, timeElement(at, clockTime)),
    ),
  );
}

/** @param {Node | string} text @param {boolean} isNew */
export function divider(text, isNew = false) {
  return h("li", {class: isNew ? "divider new" : "divider"}, h("span", {}, text));
}
