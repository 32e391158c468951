/** The school, live: totals, the classes in which something happens, and the quiet ones folded away. */

import {showAnnouncementBadge} from "../../static/announcement_badge.js";
import {connect, socket} from "../../static/connection.js";
import {setText} from "../../static/dom.js";
import {finder} from "../../static/folded_name.js";
import {_, ngettext, number} from "../../static/language.js";
import {closeMenus} from "../../static/menu.js";
import {byId} from "../../static/page.js";
import {clockTime} from "../../static/time.js";
import {DASHBOARD} from "../../static/topic.js";
import {showAnnounced} from "./announced.js";
import {showAlerts} from "./alerts_list.js";
import {chart, draw} from "./chart.js";
import {ClassTable} from "./class_table.js";
import {isQuiet, needsAttention, orderOf} from "./order.js";
import {showReports} from "./reports.js";
import {follow, MINUTES, School} from "./school.js";

/** @typedef {import("./school.js").ClassNow} ClassNow */

/** Rows that jump about cannot be read: an order by what moves is taken anew this often. */
const RESORT_MS = 5000;

const school = new School();
const pace = (/** @type {ClassNow} */ now) => school.pace(now);
const lively = new ClassTable(byId("lively"), pace, () => arrange(true));
const quiet = new ClassTable(byId("quiet-classes"), pace, () => arrange(true));
const folded = byId("quiet");
const totalChart = chart(MINUTES);
const updateAlerts = showAlerts(school);
let sortedAt = 0;
let isFound = finder("");

function show() {
  byId("loading").hidden = true;
  setText(byId("as-of"), _("As of {time}", {time: clockTime(school.moment.at)}));
  showTotals();
  updateAlerts();
  arrange(Date.now() - sortedAt > RESORT_MS);
}

function showTotals() {
  const {users, connections, messages_per_minute: messages} = school.moment.totals;
  const {student = 0, teacher = 0, principal = 0} = users;
  const classes = [...school.classes.values()];
  const left = classes.filter(needsAttention).length;
  const lessons = classes.filter((each) => each.lesson).length;
  setText(byId("total-students"), number(student));
  setText(byId("total-teachers"), number(teacher));
  setText(byId("total-principals"), number(principal));
  setText(byId("total-messages"), number(messages));
  setText(byId("taught"), inClasses(classes.filter((each) => each.teachers_online > 0).length));
  setText(byId("enrolled"), inClasses(classes.filter((each) => each.students_online > 0).length));
  setText(byId("connections"), ngettext("{n} connection in all", "{n} connections in all", connections));
  setText(byId("class-count"), number(classes.length));
  byId("lessons").hidden = lessons === 0;
  setText(byId("lessons"), ngettext("{n} lesson now", "{n} lessons now", lessons));
  byId("attention").hidden = left === 0;
  setText(byId("attention"), ngettext("{n} without a teacher", "{n} without a teacher", left));
  draw(totalChart, school.messages);
}

/** @param {number} n */
function inClasses(n) {
  return n === 0 ? _("in no class") : ngettext("in {n} class", "in {n} classes", n);
}

/** Put the classes into their tables. Rows stay where they are unless they may move or a class has changed tables.
 * @param {boolean} mayMove */
function arrange(mayMove) {
  const wanted = byId("filter").value.trim();
  const found = [...school.classes.values()].filter(wanted === "" ? () => true : ({title}) => isFound(title));
  const upper = wanted === "" ? found.filter((each) => !isQuiet(each)) : found;
  if (lively.has(upper) && (!mayMove || lively.isInUse)) {
    lively.update(school.classes);
    if (folded.open) quiet.update(school.classes);
    return;
  }
  sortedAt = Date.now();
  const order = orderOf(byId("sort").value, pace);
  lively.show(upper.sort(order));
  showQuiet(wanted === "" ? found.filter(isQuiet) : [], order);
  byId("none").hidden = upper.length > 0;
  setText(byId("none"), wanted === "" ? _("Nobody is in a class now.") : _("No class matches."));
}

/** A folded table has no rows: those of thousands of classes would cost a phone seconds.
 * @param {ClassNow[]} classes @param {import("./order.js").Order} order */
function showQuiet(classes, order) {
  folded.hidden = classes.length === 0;
  setText(byId("quiet-count"), ngettext("{n} quiet class", "{n} quiet classes", classes.length));
  quiet.show(folded.open ? classes.sort(order) : []);
}

byId("total-chart").append(totalChart);
byId("filter").addEventListener("input", () => {
  isFound = finder(byId("filter").value);
  arrange(true);
});
byId("sort").addEventListener("change", () => arrange(true));
folded.addEventListener("toggle", () => arrange(true));
follow(socket.channel(DASHBOARD), school, show);
const titleOf = (/** @type {number} */ id) => school.classes.get(id)?.title ?? "";
showAnnounced(titleOf);
showReports(titleOf);
showAnnouncementBadge();
closeMenus();
connect();
