/** The page of one's own account. */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {connect} from "./connection.js";
import {helpWithForms} from "./form.js";
import {_} from "./language.js";
import {closeMenus} from "./menu.js";
import {dayName} from "./time.js";

/** The days of the user's calendar: the server does not know their time zone. */
for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("time[data-used]"))) {
  place.textContent = _("Last used: {day}", {day: dayName(Number(place.dataset.used))});
}
helpWithForms();
showAnnouncementBadge();
closeMenus();
connect();
