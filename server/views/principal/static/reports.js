/**
 * What is reported: of messages of teachers, which only principals see and deal with, and in which classes reports of students'
 * messages wait for the staff. It stands above the classes while there is something.
 */

import {socket} from "../../static/connection.js";
import {choice, closeDialog, showDialog, whyNot} from "../../static/dialog.js";
import {h, icon, setText} from "../../static/dom.js";
import {_, ngettext} from "../../static/language.js";
import {throttled} from "../../static/throttle.js";
import {byId, page} from "../../static/page.js";
import {caseCard} from "../../static/reports/case_card.js";
import {askOutcome} from "../../static/reports/close_dialog.js";
import {followFlags, hideMessage, readOlder, tellSeen} from "../../static/reports/follow.js";
import {dayAndTime, timeElement} from "../../static/time.js";
import {DASHBOARD, parseTopic, PRINCIPALS} from "../../static/topic.js";

/** @typedef {import("../../static/client/channel.js").Channel} Channel */

/** @param {(id: number) => string} titleOf the title of a class */
export function showReports(titleOf) {
  const channel = socket.channel(PRINCIPALS);
  showThoseOfTeachers(channel, titleOf);
  showFlaggedClasses(channel, titleOf);
  void channel.join();
}

/** @param {Channel} channel @param {(id: number) => string} titleOf */
function showThoseOfTeachers(channel, titleOf) {
  const flags = followFlags(channel, show);
  byId("reports-list").addEventListener("toggle", show);

  function show() {
    const {count} = flags;
    byId("reports").hidden = count === 0;
    setText(byId("reports-count"), ngettext("{n} reported message of a teacher", "{n} reported messages of teachers", count));
    if (!byId("reports-list").open) return;
    byId("reports-cases").replaceChildren(...flags.cases().map(card), ...others());
    void tellSeen(channel, flags);
  }

  /** @param {import("../../static/reports/open_flags.js").Case} found */
  function card(found) {
    const close = h("button", {class: "quiet-button", type: "button", onclick: () => askOutcome(channel, found, () => {})}, _("Close the report"));
    return caseCard(found, classLink(found.topic, titleOf), [choice(_("Hide the message"), () => void hide(found)), close]);
  }

  /** The class is joined for this only, and does not see the principal come. @param {import("../../static/reports/open_flags.js").Case} found */
  async function hide(found) {
    const classroom = socket.channel(found.topic, {present: false});
    try {
      await classroom.join();
      await hideMessage(classroom, channel, found, _("The message was hidden."));
    } catch (error) {
      showDialog(_("It did not work"), [h("p", {role: "alert"}, whyNot(error)), h("div", {class: "dialog-choices"}, choice(_("Close"), closeDialog))]);
    }
    classroom.leave();
  }

  function others() {
    if (flags.more === 0) return [];
    const read = () => void readOlder(channel, flags).then(show, () => {});
    return [h("li", {}, h("button", {class: "quiet-button", type: "button", onclick: read}, ngettext("Show {n} more", "Show {n} more", flags.more)))];
  }
}

/** Since when how many wait in each class, the one that waits longest first. @param {Channel} channel @param {(id: number) => string} titleOf */
function showFlaggedClasses(channel, titleOf) {
  /** @type {Map<string, {topic: string, count: number, since: number}>} */
  let classes = new Map();
  const show = throttled(() => {
    byId("flagged-classes").hidden = classes.size === 0;
    byId("flagged-classes").replaceChildren(...[...classes.values()].map(row));
  });
  /** @param {any} payload @param {number} step */
  const move = ({topic, at}, step) => {
    const {count, since} = classes.get(topic) ?? {count: 0, since: at};
    if (count + step > 0) classes.set(topic, {topic, count: count + step, since});
    else classes.delete(topic);
    show();
  };
  /** @param {{topic: string, count: number, since: number}} flagged */
  const row = ({topic, count, since}) => {
    const words = ngettext("{n} report waits", "{n} reports wait", count);
    return h("li", {}, icon("flag"), classLink(topic, titleOf), h("span", {}, words, " · ", timeElement(since, dayAndTime)));
  };
  channel.onJoin(({state}) => {
    classes = new Map(state.flagged_classes.map((/** @type {any} */ each) => [each.topic, each]));
    show();
  });
  channel.on("flag:opened", (payload) => move(payload, 1));
  channel.on("flag:settled", (payload) => move(payload, -1));
  socket.channel(DASHBOARD).onJoin(show); // which brings the titles
}

/** @param {string} topic @param {(id: number) => string} titleOf */
function classLink(topic, titleOf) {
  const {id = 0} = parseTopic(topic);
  return h("a", {href: `${page.home}classes/${id}`, dir: "auto"}, titleOf(id));
}
