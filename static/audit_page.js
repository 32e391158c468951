/**
 * The page of the audit log: it works without scripts. Where the school has named no time zone, times and days are the
 * reader's, which the page cannot know before.
 */

import {showAnnouncementBadge} from "./announcement_badge.js";
import {connect} from "./connection.js";
import {h, setText} from "./dom.js";
import {language} from "./language.js";
import {closeMenus} from "./menu.js";
import {byId} from "./page.js";

/** As the server writes them. */
const short = new Intl.DateTimeFormat(language, {dateStyle: "short", timeStyle: "short"});

/** @type {HTMLFormElement} */
const form = byId("record-filter");

function useOwnZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  form.append(h("input", {type: "hidden", name: "zone", value: zone}));
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".record-ways a"))) {
    const address = new URL(link.href);
    address.searchParams.set("zone", zone);
    link.href = address.href;
  }
  for (const time of document.querySelectorAll("time")) setText(time, short.format(new Date(time.dateTime)));
}

if (form.dataset.zone !== undefined) useOwnZone();
showAnnouncementBadge();
closeMenus();
connect();
