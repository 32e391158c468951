/** The user's announcements that wait for their time: each can be changed or cancelled. */

import {mine} from "../connection.js";
import {actions, pushAndClose, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_, ngettext} from "../language.js";
import {byId} from "../page.js";
import {plainText} from "../text/parse.js";
import {dayAndTime, timeElement} from "../time.js";
import {placeName} from "./place.js";

/** A line of the list. */
const PREVIEW = 120;

/**
 * @typedef {{seq: number, title: string, text: string, to: string[], publish_at: number, acknowledge?: boolean, urgent?: boolean,
 *            expires_at?: number}} Plan
 */

/** Show them, and keep them up to date. @param {(plan: Plan) => void} onChange is called with the one that is to be changed */
export function showPlans(onChange) {
  const read = () => {
    mine.push("announcement:plans").then(
      ({plans}) => show(plans, onChange),
      () => {}, // the next join reads them again
    );
  };
  mine.onJoin(read);
  for (const event of ["announcement:scheduled", "announcement:published", "announcement:cancelled"]) mine.on(event, read);
}

/** @param {Plan[]} plans @param {(plan: Plan) => void} onChange */
function show(plans, onChange) {
  const sorted = [...plans].sort((one, other) => one.publish_at - other.publish_at);
  byId("plans").hidden = sorted.length === 0;
  byId("plan-list").replaceChildren(...sorted.map((plan) => h("li", {}, ...line(plan, onChange))));
}

/** @param {Plan} plan @param {(plan: Plan) => void} onChange */
function line(plan, onChange) {
  const {title, text, to, publish_at: at} = plan;
  const where = to.length > 2 ? ngettext("to {n} class", "to {n} classes", to.length) : to.map(placeName).join(", ");
  return [
    icon("clock"),
    h("span", {class: "plan-words"}, h("strong", {}, timeElement(at, dayAndTime)), " · ", h("bdi", {}, where), h("br"), h("bdi", {}, title || plainText(text).slice(0, PREVIEW))),
    h("button", {class: "quiet-button", type: "button", onclick: () => onChange(plan)}, _("Change")),
    h("button", {class: "quiet-button", type: "button", onclick: () => cancel(plan)}, _("Cancel it")),
  ];
}

/** @param {Plan} plan */
function cancel({seq, title, text}) {
  const quote = h("blockquote", {class: "dialog-quote"}, h("bdi", {}, title || plainText(text).slice(0, PREVIEW)));
  const push = () => pushAndClose(mine, "announcement:cancel", {target: seq});
  showDialog(_("Cancel this announcement?"), [quote, actions(_("Cancel the announcement"), push)]);
}
