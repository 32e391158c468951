/** The page of all my classes. */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {showClasses} from "./class_list.js";
import {connect} from "./connection.js";
import {closeMenus} from "./menu.js";
import {showMentionsInTab} from "./mentions.js";
import {byId} from "./page.js";

showClasses(byId("classes"), {
  onChange: (ids) => {
    byId("no-classes").hidden = ids.length > 0;
  },
});
showAnnouncementBadge();
showMentionsInTab();
closeMenus();
connect();
