/** The pages of cards, which the server has filled in: the button that prints them. */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {connect} from "./connection.js";
import {closeMenus} from "./menu.js";
import {byId} from "./page.js";

byId("print")?.addEventListener("click", () => window.print());
showAnnouncementBadge();
closeMenus();
connect();
