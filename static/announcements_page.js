/** The page of announcements: all that were made to the user, and for staff the form. */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {announceAloud, follow, followOwn} from "./announcements/feed.js";
import {showUnsent, startForm} from "./announcements/form.js";
import {showPlans} from "./announcements/plans.js";
import {connect} from "./connection.js";
import {showMentionsInTab} from "./mentions.js";
import {closeMenus} from "./menu.js";
import {byId, page} from "./page.js";
import {readingOf} from "./reading.js";
import {classTopic} from "./topic.js";

/** Who has every class joins one once it is chosen: a school has more classes than may be joined. */
const classTopics = page.topics.all_classes ? [] : page.classes.map(({id}) => classTopic(id));
const hasForm = byId("announce") !== null;

for (const topic of [...page.topics.wide, ...classTopics]) {
  const reading = readingOf(topic);
  follow(reading);
  announceAloud(reading);
  if (hasForm) showUnsent(reading);
}
if (hasForm) showPlans(startForm(follow));
if (page.topics.all_classes) followOwn();
showAnnouncementBadge();
showMentionsInTab();
closeMenus();
connect();
