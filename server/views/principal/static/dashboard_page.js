/** The school, live: totals, and every class in a table that can be filtered and sorted. */

import {showAnnouncementBadge} from "../../static/announcement_badge.js";
import {connect, socket} from "../../static/connection.js";
import {setText} from "../../static/dom.js";
import {_, language, ngettext, number} from "../../static/language.js";
import {closeMenus} from "../../static/menu.js";
import {byId} from "../../static/page.js";
import {clockTime} from "../../static/time.js";
import {DASHBOARD} from "../../static/topic.js";
import {chart, draw} from "./chart.js";
import {ClassRow} from "./class_row.js";

/** @typedef {import("./class_row.js").ClassNow} ClassNow */

/** Rows that jump about cannot be read: an order by what moves is taken anew this often. */
const RESORT_MS = 5000;

/** @type {Map<number, ClassRow>} */
const rows = new Map();
/** @type {SVGElement | null} */
let totalChart = null;
let sortedAt = 0;

/** @param {{at: number, totals: any, classes: ClassNow[]}} snapshot */
function show({at, totals, classes}) {
  byId("loading").hidden = true;
  setText(byId("as-of"), _("As of {time}", {time: clockTime(at)}));
  showTotals(totals, classes);
  showRows(classes);
  const hasNew = arrange(Date.now() - sortedAt > RESORT_MS);
  if (hasNew) sortedAt = Date.now();
}

/** @param {any} totals @param {ClassNow[]} classes */
function showTotals(totals, classes) {
  const {student = 0, teacher = 0, principal = 0} = totals.users;
  setText(byId("total-students"), number(student));
  setText(byId("total-teachers"), number(teacher));
  setText(byId("total-principals"), number(principal));
  setText(byId("total-messages"), number(totals.messages_per_minute));
  const taught = classes.filter((each) => each.teachers_online > 0).length;
  const busy = classes.filter((each) => each.students_online > 0).length;
  setText(byId("taught"), inClasses(taught));
  setText(byId("enrolled"), inClasses(busy));
  setText(byId("connections"), ngettext("{n} connection in all", "{n} connections in all", totals.connections));
  showTotalChart(classes);
}

/** @param {number} n */
function inClasses(n) {
  return n === 0 ? _("in no class") : ngettext("in {n} class", "in {n} classes", n);
}

/** @param {ClassNow[]} classes */
function showTotalChart(classes) {
  const minutes = classes[0]?.messages.length ?? 0;
  const sums = Array.from({length: minutes}, (_each, minute) => classes.reduce((sum, each) => sum + each.messages[minute], 0));
  if (minutes === 0) return;
  if (totalChart === null) byId("total-chart").append((totalChart = chart(minutes)));
  draw(totalChart, sums);
}

/** @param {ClassNow[]} classes */
function showRows(classes) {
  const ids = new Set(classes.map(({id}) => id));
  for (const [id, row] of rows) {
    if (ids.has(id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  for (const now of classes) {
    const row = rows.get(now.id);
    if (row === undefined) rows.set(now.id, new ClassRow(now));
    else row.show(now);
  }
}

/** @type {Record<string, (one: ClassNow, other: ClassNow) => number>} */
const ORDERS = {
  title: (one, other) => one.title.localeCompare(other.title, language, {numeric: true}),
  students: (one, other) => other.students_online - one.students_online,
  messages: (one, other) => other.messages_per_minute - one.messages_per_minute,
};

/** @type {Record<string, (now: ClassNow) => boolean>} */
const CHOICES = {
  all: () => true,
  active: (now) => now.students_online + now.teachers_online > 0,
  untaught: (now) => now.students_online > 0 && now.teachers_online === 0,
};

/** Put the visible rows into their order; a row under the pointer or with the focus stays where it is.
 * @param {boolean} mayMove @returns {boolean} whether the order was taken anew */
function arrange(mayMove) {
  const wanted = plain(byId("filter").value);
  const chosen = CHOICES[byId("show").value];
  const table = byId("rows");
  const shown = [...rows.values()].filter(({now}) => now !== undefined && chosen(now) && plain(now.title).includes(wanted));
  byId("none").hidden = shown.length > 0 || rows.size === 0;
  setText(byId("class-count"), shown.length === rows.size ? number(rows.size) : `${number(shown.length)} / ${number(rows.size)}`);
  const isSameSet = shown.length === table.childElementCount && shown.every(({element}) => element.isConnected);
  if (isSameSet && (!mayMove || table.matches(":hover, :focus-within"))) return false;
  shown.sort((one, other) => compare(/** @type {ClassNow} */ (one.now), /** @type {ClassNow} */ (other.now)));
  if (shown.some(({element}, index) => table.children[index] !== element) || !isSameSet) {
    table.replaceChildren(...shown.map(({element}) => element));
  }
  return true;
}

/** @param {ClassNow} one @param {ClassNow} other */
function compare(one, other) {
  return ORDERS[byId("sort").value](one, other) || ORDERS.title(one, other);
}

/** Without accents and capitals: who looks for "historia" means "História". @param {string} text */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();
}

byId("filter").addEventListener("input", () => arrange(true));
for (const id of ["show", "sort"]) byId(id).addEventListener("change", () => arrange(true));
const channel = socket.channel(DASHBOARD);
channel.onJoin(({state}) => show(/** @type {any} */ (state.dashboard)));
channel.on("dashboard:changed", (snapshot) => show(/** @type {any} */ (snapshot)));
channel.join();
showAnnouncementBadge();
closeMenus();
connect();
