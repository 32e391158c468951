/** The page of the school's settings: a picture that is chosen becomes the logo at once. */

import {showAnnouncementBadge} from "../../static/announcement_badge.js";
import {connect} from "../../static/connection.js";
import {_} from "../../static/language.js";
import {closeMenus} from "../../static/menu.js";

showAnnouncementBadge();
closeMenus();
connect();

const form = /** @type {HTMLFormElement} */ (document.getElementById("logo"));
const input = /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));
input.addEventListener("change", async () => {
  const [picture] = input.files ?? [];
  if (picture === undefined) return;
  input.value = ""; // the same file may be chosen again
  const problem = await send(picture);
  if (problem === "") return location.assign(form.dataset.done ?? location.pathname);
  const place = /** @type {HTMLElement} */ (form.querySelector(".form-problem"));
  place.hidden = false;
  place.textContent = problem;
});

/** Send it, and return in words what is wrong with it. @param {File} picture */
async function send(picture) {
  const token = /** @type {HTMLInputElement} */ (form.elements.namedItem("_xsrf")).value;
  const answer = await fetch(form.dataset.address ?? "", {method: "PUT", body: picture, headers: {"X-Xsrftoken": token}}).catch(() => null);
  if (answer?.ok) return "";
  // A body that is too long ends the connection before it is answered.
  if (answer === null && picture.size > 512 * 1024) return _("This file is too large: 512 KB at most.");
  if (answer === null) return _("There is no connection to the server. Try again.");
  const {problem} = await answer.json().catch(() => ({problem: ""}));
  return problem || _("This file is too large: 512 KB at most.");
}
