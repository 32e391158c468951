/** The page of the school's hours: its form, and the browser's time zone for a school that has not named its own. */

import {showAnnouncementBadge} from "../../static/announcement_badge.js";
import {connect} from "../../static/connection.js";
import {h, setText} from "../../static/dom.js";
import {hoursForm} from "../../static/hours_form.js";
import {_} from "../../static/language.js";
import {closeMenus} from "../../static/menu.js";
import {byId, page} from "../../static/page.js";

/** @type {import("../../static/lesson/restrictions.js").Hours} */
const hours = /** @type {any} */ (page).hours;
const form = hoursForm(hours, [
  {mode: "always", label: _("At all hours")},
  {mode: "lesson", label: _("During lessons")},
  {mode: "hours", label: _("At these times")},
]);
byId("hours-form").append(form.element);

/** @type {HTMLInputElement} */
const zone = byId("zone");
if (/** @type {any} */ (page).zone === "UTC") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
byId("zones").append(...Intl.supportedValuesOf("timeZone").map((name) => h("option", {value: name})));

byId("hours").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
  const chosen = form.read();
  if (chosen !== null) {
    byId("hours-value").value = JSON.stringify(chosen);
    return;
  }
  event.preventDefault();
  setText(byId("problem"), _("Each day must open before it closes, and one day at least must open."));
  byId("problem").hidden = false;
});
showAnnouncementBadge();
closeMenus();
connect();
