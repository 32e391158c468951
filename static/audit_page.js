/** The page of the audit log: it works without scripts; these are what every page has. */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {connect} from "./connection.js";
import {closeMenus} from "./menu.js";

showAnnouncementBadge();
closeMenus();
connect();
