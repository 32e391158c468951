/** The page of announcements: all that were made to the user, and for staff the form. */

import {WIDE_TOPICS, showAnnouncementBadge} from "./announcement_badge.js";
import {announceAloud, follow} from "./announcements/feed.js";
import {showUnsent, startForm} from "./announcements/form.js";
import {connect} from "./connection.js";
import {closeMenus} from "./menu.js";
import {byId, page} from "./page.js";
import {readingOf} from "./reading.js";

/** Of a class the principal hears once it is chosen: a school has more classes than may be joined. */
const classTopics = page.me.role === "principal" ? [] : page.classes.map(({id}) => `class:${id}`);
const hasForm = byId("announce") !== null;

for (const topic of [...WIDE_TOPICS[page.me.role], ...classTopics]) {
  const reading = readingOf(topic);
  follow(reading);
  announceAloud(reading);
  if (hasForm) showUnsent(reading);
}
if (hasForm) startForm(follow);
showAnnouncementBadge();
closeMenus();
connect();
