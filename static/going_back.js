/**
 * A page that comes out of the browser's memory or from its disk, by "back" for example, is shown to the user that it was
 * made for only. The server keeps the id of who is signed in in a cookie that scripts can read.
 */

import {page} from "./page.js";

/** Of the server: server/views/base.py. */
const USER_COOKIE = "lousa_user";

function isStillSignedIn() {
  return document.cookie.split("; ").includes(`${USER_COOKIE}=${page.me.id}`);
}

/** Empty the page, and ask the server for the one that there is now. */
function leave() {
  document.title = "Lousa";
  document.body.replaceChildren();
  location.reload();
}

/** Look now and whenever the page is shown again. */
export function watchGoingBack() {
  const look = () => isStillSignedIn() || leave();
  window.addEventListener("pageshow", look);
  look();
}
