/** An announcement, as it stands on the board. */

import {isOver} from "./announcements/together.js";
import {isolated} from "./bidi.js";
import {h, icon} from "./dom.js";
import {folding} from "./fold.js";
import {_} from "./language.js";
import {page} from "./page.js";
import {textElement} from "./text.js";
import {dayAndTime, timeElement} from "./time.js";

/**
 * Make the card of an announcement, as it is now. `foot`: what comes below its text, null is left out.
 * @param {any} announcement
 * @param {{format: (at: number) => string, where?: Node | string, menu?: Node | null, foot?: (Node | null)[]}} options
 */
export function announcementCard(announcement, {format, where, menu = null, foot = []}) {
  const {title, text, author, at, withdrawn} = announcement;
  return h(
    "article",
    {class: `announcement ${isOver(announcement) ? "is-over" : ""}`},
    h(
      "p",
      {class: "announcement-head"},
      icon("announcement"),
      h("span", {class: "announcement-author", dir: "auto", "data-name": author.name}, author.id === page.me.id ? _("You") : author.name),
      where ?? _("Announcement"),
      ...marks(announcement),
      timeElement(at, format),
      menu,
    ),
    title ? h("h2", {dir: "auto"}, title) : null,
    withdrawn === undefined ? folding(textElement(text), text) : h("p", {class: "text hidden-text"}, withdrawnWords(announcement)),
    ...foot,
  );
}

/** What is to know of it beside its words. @param {any} announcement */
function marks({urgent, corrected, withdrawn, expires_at: expiresAt}) {
  if (withdrawn !== undefined) return [];
  return [
    urgent ? h("span", {class: "announcement-mark urgent"}, _("Urgent")) : null,
    corrected === undefined ? null : h("span", {class: "announcement-mark"}, _("Corrected"), " ", timeElement(corrected, dayAndTime)),
    expiresAt === undefined ? null : h("span", {class: "announcement-mark"}, until(expiresAt)),
  ];
}

/** @param {number} expiresAt */
function until(expiresAt) {
  return expiresAt <= Date.now() ? _("No longer current") : _("Until {time}", {time: dayAndTime(expiresAt)});
}

/** @param {any} announcement */
function withdrawnWords({author, withdrawn: {by}}) {
  if (by.id === author.id) return _("This announcement was withdrawn.");
  return _("Withdrawn by {name}.", {name: isolated(by.name)});
}
