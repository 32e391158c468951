/** The list of alerts above the classes. It is said how many there are; the list itself may change every second. */

import {h, icon, setText} from "../../static/dom.js";
import {_, ngettext} from "../../static/language.js";
import {byId, page} from "../../static/page.js";
import {clockTime} from "../../static/time.js";
import {alertsOf} from "./alerts.js";

/** @typedef {import("./alerts.js").Alert} Alert */

/** Alerts come by the time alone, too: a class in which nothing moves sends nothing. */
const LOOK_MS = 5000;

/** More than a screen of them is not read one by one: the table has the rest. */
const MAX_SHOWN = 12;

/** @param {import("./school.js").School} school @returns {() => void} to be called when something has changed */
export function showAlerts(school) {
  let shown = "";

  function update() {
    const alerts = alertsOf(school.classes.values(), school.at, (now) => school.pace(now));
    byId("alerts").hidden = alerts.length === 0;
    setText(byId("alert-count"), alerts.length === 0 ? "" : ngettext("{n} class needs you now", "{n} classes need you now", alerts.length));
    const listed = alerts.slice(0, MAX_SHOWN);
    const words = listed.map((alert) => `${alert.kind} ${alert.now.id} ${alert.now.title} ${wordsOf(alert)}`).join("\n");
    // A link under the finger or with the focus stays the same element while nothing about it changes.
    if (words !== shown) byId("alerts").replaceChildren(...listed.map(row));
    shown = words;
  }

  setInterval(update, LOOK_MS);
  return update;
}

/** @param {Alert} alert */
function row(alert) {
  const link = h("a", {href: `${page.home}classes/${alert.now.id}`, dir: "auto"}, alert.now.title);
  return h("li", {"data-kind": alert.kind}, icon("warning"), link, h("span", {}, wordsOf(alert)));
}

/** @param {Alert} alert */
function wordsOf(alert) {
  if (alert.kind === "untaught") return _("Lesson without a teacher since {time}", {time: clockTime(alert.since)});
  return ngettext("{n} message in a minute", "{n} messages in a minute", alert.count);
}
