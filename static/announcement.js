/** An announcement, as it stands on the board. */

import {h, icon} from "./dom.js";
import {folding} from "./fold.js";
import {_} from "./language.js";
import {page} from "./page.js";
import {textElement} from "./text.js";
import {timeElement} from "./time.js";

/**
 * Make the card of an announcement.
 * @param {{title?: string, text: string, author: import("./page.js").User, at: number}} announcement
 * @param {{format: (at: number) => string, where?: Node | string}} options
 */
export function announcementCard({title, text, author, at}, {format, where}) {
  return h(
    "article",
    {class: "announcement"},
    h(
      "p",
      {class: "announcement-head"},
      icon("announcement"),
      h("span", {class: "announcement-author", dir: "auto", "data-name": author.name}, author.id === page.me.id ? _("You") : author.name),
      where ?? _("Announcement"),
      timeElement(at, format),
    ),
    title ? h("h2", {dir: "auto"}, title) : null,
    folding(textElement(text), text),
  );
}
