/** How many announcements to the school or to the user's role are unread, beside the word in the navigation. */

import {h} from "./dom.js";
import {ngettext, number} from "./language.js";
import {page} from "./page.js";
import {readingOf} from "./reading.js";

/** Show the badge, and keep it up to date. */
export function showAnnouncementBadge() {
  const link = document.querySelector("[data-announcements]");
  const readings = page.topics.wide.map((topic) => readingOf(topic));
  const badge = h("span", {class: "badge-place"});
  link?.append(badge);
  const show = () => {
    const count = readings.reduce((sum, reading) => sum + reading.unread, 0);
    const words = ngettext("{n} new announcement", "{n} new announcements", count);
    const sign = () => h("span", {class: "count", title: words}, number(count), hidden(words));
    badge.replaceChildren(...(count > 0 ? [sign()] : []));
  };
  for (const reading of readings) reading.onChange(show);
}

/** @param {string} words */
function hidden(words) {
  return h("span", {class: "visually-hidden"}, ` ${words}`);
}
