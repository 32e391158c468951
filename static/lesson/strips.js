/** The quiet lines under the class's head: that the chat is locked, that hands are up. One for each feature, if it has one. */

import {h} from "../dom.js";
import {byId} from "../page.js";

/**
 * A feature's line; `order` is its place among the others.
 * @param {string} name @param {number} order
 */
export function strip(name, order) {
  const line = h("div", {class: `lesson-strip strip-${name}`, "data-order": order, hidden: true});
  const others = /** @type {HTMLElement[]} */ ([...byId("strips").children]);
  byId("strips").insertBefore(line, others.find((other) => Number(other.dataset.order) > order) ?? null);
  return {
    /** @param {...(Node | string)} content */
    show(...content) {
      line.replaceChildren(...content);
      line.hidden = false;
    },
    hide() {
      line.hidden = true;
      line.replaceChildren();
    },
  };
}
