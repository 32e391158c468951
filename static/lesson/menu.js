/**
 * What one does in a lesson now and then: the list behind the button in the class's head. What is used each minute has a
 * place of its own. The button is there only while it offers something.
 */

import {closeDialog, showDialog} from "../dialog.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {byId} from "../page.js";

/**
 * `label` says what it does now; `order` is its place; it is listed while `isOffered`.
 * @typedef {{label: () => string, icon: string, order: number, isOffered: () => boolean, run: () => void}} Offer
 */

/** From this order on, what one looks up and sets; before it, what one does while teaching. */
const SECOND_GROUP = 60;

/** @type {Offer[]} */
const offers = [];

/** Add something to the list. @param {Offer} offered */
export function offer(offered) {
  offers.push(offered);
  offers.sort((one, other) => one.order - other.order);
  offersChanged();
}

/** Look again whether there is anything to offer. */
export function offersChanged() {
  byId("lesson-button").hidden = offers.every(({isOffered}) => !isOffered());
}

/** Let the button open the list. */
export function startLessonMenu() {
  byId("lesson-button").addEventListener("click", () => {
    const shown = offers.filter(({isOffered}) => isOffered());
    const second = shown.findIndex(({order}) => order >= SECOND_GROUP);
    const items = shown.map((each, index) => h("li", {class: index > 0 && index === second ? "begins-group" : ""}, item(each)));
    showDialog(_("Lesson"), [h("ul", {class: "dialog-list"}, ...items), closing()]);
  });
}

/** @param {Offer} offered */
function item({label, icon: name, run}) {
  /** What it runs may go on in the dialog. */
  const choose = () => {
    closeDialog();
    run();
  };
  return h("button", {class: "menu-item", type: "button", onclick: choose}, icon(name), label());
}

function closing() {
  return h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close"));
}
