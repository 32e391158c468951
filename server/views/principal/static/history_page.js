/** The page of a class's history, which the server has filled in: its menus and its sign of announcements. */

import {showAnnouncementBadge} from "../../static/announcement_badge.js";
import {connect} from "../../static/connection.js";
import {closeMenus} from "../../static/menu.js";

showAnnouncementBadge();
closeMenus();
connect();
