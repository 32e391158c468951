/** The pages of the school's office, which the server has filled in: their menus and the sign of announcements. */

import {showAnnouncementBadge} from "../../static/announcement_badge.js";
import {connect} from "../../static/connection.js";
import {closeMenus} from "../../static/menu.js";

showAnnouncementBadge();
closeMenus();
connect();
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
// What goes on is looked at again: an erasure takes some seconds.
if (document.querySelector("[data-under-way]")) setTimeout(() => location.reload(), 3_000);
