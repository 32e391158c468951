/**
 * Long texts, folded: of each, about twelve lines are shown, and the rest when the reader asks. Nobody's text pushes what
 * others have said off the screen.
 *
 * The height is a matter of CSS (.fold in base.css), from the moment when the text is there; whether something is hidden
 * is learned without asking for a layout, so that a fold moves nothing around it.
 */

import {h, setHidden} from "./dom.js";
import {_} from "./language.js";

/** As base.css shows; a text with fewer lines of the narrowest column is not looked at. */
const LINES = 12;
const NARROW_COLUMN = 12;
/** Less than a line: what sticks out of the last one, such as the foot of a formula, is nothing to show. */
const STICKS_OUT_PX = 12;

const observer = new ResizeObserver((entries) => {
  for (const {target} of entries) showWhetherFolded(/** @type {HTMLElement} */ (target.parentElement));
});

/**
 * Put the element of a text into one that folds it, if it may be long.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function folding(element, text) {
  if (!mayBeLong(text)) return element;
  const button = h("button", {class: "fold-button", type: "button", "aria-expanded": "false", hidden: true, onclick: () => toggle(fold)}, _("Show all"));
  const fold = h("div", {class: "fold folded"}, element, button);
  // What moves the text within its fold (finding a word in the page, a link that gets the focus) unfolds it.
  fold.addEventListener("scroll", () => fold.scrollTop > 0 && unfold(fold));
  observer.observe(element);
  return fold;
}

/** @param {string} text */
function mayBeLong(text) {
  let lines = 0;
  for (const line of text.split("\n")) lines += Math.max(1, Math.ceil(line.length / NARROW_COLUMN));
  return lines > LINES || text.includes("$");
}

/** @param {HTMLElement} fold */
function toggle(fold) {
  if (fold.classList.contains("folded")) return unfold(fold);
  set(fold, true);
  fold.closest("li")?.scrollIntoView({block: "nearest"});
}

/** @param {HTMLElement} fold */
function unfold(fold) {
  set(fold, false);
  fold.scrollTop = 0;
}

/** @param {HTMLElement} fold @param {boolean} isFolded */
function set(fold, isFolded) {
  const button = /** @type {HTMLElement} */ (fold.lastElementChild);
  fold.classList.toggle("folded", isFolded);
  button.textContent = isFolded ? _("Show all") : _("Show less");
  button.setAttribute("aria-expanded", String(!isFolded));
}

/** @param {HTMLElement} fold */
function showWhetherFolded(fold) {
  if (!fold.classList.contains("folded")) return;
  const isOver = fold.scrollHeight > fold.clientHeight + STICKS_OUT_PX;
  fold.classList.toggle("has-more", isOver);
  setHidden(/** @type {HTMLElement} */ (fold.lastElementChild), !isOver);
}
