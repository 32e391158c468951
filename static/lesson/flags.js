/**
 * Reports of messages: everybody may report what somebody else has said. The staff of the class sees under the class's head
 * how many wait, and works through them in the dialog.
 */

import {classStaff} from "./class_staff.js";
import {offerForMessages} from "../chat/message_menu.js";
import {newIdentifier} from "../client/identifier.js";
import {mine} from "../connection.js";
import {actions, choice, closeDialog, complain, showDialog, whyNot} from "../dialog.js";
import {h} from "../dom.js";
import {_, ngettext} from "../language.js";
import {isStaff, page} from "../page.js";
import {caseCard, reasons} from "../reports/case_card.js";
import {askOutcome, MAX_REMARK} from "../reports/close_dialog.js";
import {followFlags, hideMessage, readOlder, tellSeen} from "../reports/follow.js";
import {FLAGGED} from "../reports/open_flags.js";
import {classTopic} from "../topic.js";
import {inboxEntry} from "./inbox.js";
import {openThread} from "./notes.js";

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("../reports/open_flags.js").Case} Case */

/** The messages of this class that the user has reported. @type {Set<number>} */
const reported = new Set();

/** @param {Channel} channel the class's */
export function showFlags(channel) {
  mine.onJoin(({events}) => events.filter(({event}) => event === FLAGGED).forEach(({payload}) => note(payload)));
  mine.on(FLAGGED, note);
  if (page.topics.pushes.includes("message:flag")) offerForMessages((payload) => (mayReport(payload) ? [{label: _("Report"), icon: "flag", order: 90, run: () => askReason(payload, channel)}] : []));
  const staff = classStaff();
  if (staff !== null) showToStaff(channel, staff);
}

/** @param {any} flag one's own */
function note({topic, target}) {
  if (topic === classTopic(page.classroom.id)) reported.add(target);
}

/** What its author has deleted may be reported, too. @param {any} message */
function mayReport({seq, author, hidden}) {
  return author.id !== page.me.id && !reported.has(seq) && (hidden === undefined || hidden.by.id === author.id);
}

// To report

/** @param {any} message @param {Channel} channel */
function askReason(message, channel) {
  const radios = reasons().map(([name, words]) => reasonChoice(name, words));
  const field = /** @type {HTMLTextAreaElement} */ (h("textarea", {rows: "2", id: "flag-note", maxlength: MAX_REMARK, dir: "auto"}));
  const id = newIdentifier();
  const report = async () => {
    const chosen = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=flag-reason]:checked"));
    if (chosen === null) return complain(_("Choose a reason."));
    const words = field.value.trim();
    try {
      await channel.push("message:flag", {target: message.seq, reason: chosen.value, ...(words && {note: words}), id});
    } catch (error) {
      return complain(whyNotReported(error));
    }
    showThanks();
  };
  showDialog(_("Report this message?"), [
    h("p", {class: "muted"}, whoSees(message.author)),
    h("fieldset", {class: "choices"}, h("legend", {}, _("Why?")), ...radios),
    h("p", {}, h("label", {for: "flag-note"}, _("More about it (optional)")), field),
    actions(_("Report"), () => void report()),
  ]);
  radios[0].querySelector("input")?.focus();
}

/** @param {string} name @param {string} words */
function reasonChoice(name, words) {
  return h("label", {class: "choice"}, h("input", {type: "radio", name: "flag-reason", value: name}), h("span", {}, words));
}

/** @param {import("../page.js").User} author */
function whoSees(author) {
  return isStaff(author)
    ? _("Only the principal sees your report and your name. No teacher learns of it.")
    : _("The teachers of this class and the principal see your report and your name. Nobody else learns of it.");
}

function showThanks() {
  const words = _("Thank you. You will be told here when somebody has looked at it.");
  showDialog(_("Reported"), [h("p", {role: "status"}, words), h("div", {class: "dialog-choices"}, choice(_("Close"), closeDialog))]);
}

/** @param {any} error */
function whyNotReported(error) {
  const {code} = error;
  if (code === "too_fast") return _("You have reported many messages. Wait until somebody has looked at them.");
  return code === "forbidden" ? _("This message cannot be reported any more.") : whyNot(error);
}

// To handle what was reported

/** @param {Channel} channel @param {Channel} staff */
function showToStaff(channel, staff) {
  const entry = inboxEntry("flag", () => void open());
  const list = h("ul", {class: "cases"});
  const flags = followFlags(staff, () => {
    const {count} = flags;
    entry.show(count === 0 ? "" : ngettext("{n} report", "{n} reports", count));
    if (list.isConnected) showCases();
  });

  const showCases = () => {
    const hadFocus = list.contains(document.activeElement);
    list.replaceChildren(...flags.cases().map((found) => caseCard(found, null, buttons(found))));
    if (list.childElementCount === 0) list.append(h("li", {class: "muted"}, _("Nothing waits any more.")));
    if (hadFocus) (list.querySelector("button") ?? document.querySelector("#dialog .quiet-button"))?.focus();
    void tellSeen(staff, flags);
  };

  async function open() {
    const close = h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"));
    showDialog(_("Reported messages"), [list, h("div", {class: "dialog-choices"}, close)]);
    showCases();
    if (flags.more === 0) return;
    await readOlder(staff, flags).catch(() => complain(_("Some of them could not be read. Try again in a moment.")));
    showCases();
  }

  /** @param {Case} found */
  function buttons(found) {
    const write = () => openThread(found.user);
    return [
      choice(_("Hide the message"), () => hide(found)),
      h("button", {class: "quiet-button", type: "button", onclick: write}, _("Write to the student")),
      h("button", {class: "quiet-button", type: "button", onclick: () => askOutcome(staff, found, () => void open())}, _("Close the report")),
    ];
  }

  /** @param {Case} found */
  function hide(found) {
    hideMessage(channel, staff, found, _("The message was hidden.")).catch((error) => complain(whyNot(error)));
  }
}
