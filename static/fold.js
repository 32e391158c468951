/**
<<<<<<< HEAD
 * Long texts, folded: of each, about twelve lines are shown, and the rest when the reader asks. Nobody's text pushes what
 * others have said off the screen.
 *
 * The height is a matter of CSS (.fold in base.css), from the moment when the text is there; whether something is hidden
 * is learned without asking for a layout, so that a fold moves nothing around it.
 */

import {h} from "./dom.js";
import {_} from "./language.js";

/** As base.css shows; a text with fewer lines of the narrowest column is not looked at. */
const LINES = 12;
const NARROW_COLUMN = 12;

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
  const isOver = fold.scrollHeight > fold.clientHeight;
  fold.classList.toggle("has-more", isOver);
  /** @type {HTMLElement} */ (fold.lastElementChild).hidden = !isOver;
=======
 * Compares names as people type them: without accents and capitals, marks and spaces, and with "6º", "6°", "6o" and "6"
 * alike. Who types "turma 12" means "Turma 12", and "6a mat" is enough for "6º A · Matemática".
 */

const ORDINALS = /[ºª°]/g;
const MARKS = /\p{M}/gu;
/** What is neither a letter nor a digit: the dot and the spaces in "6º A · Matemática". */
const BETWEEN = /[^\p{L}\p{N}]+/u;

/** The words of a text, folded. @param {string} text */
function words(text) {
  return text.normalize("NFKD").replace(MARKS, "").toLowerCase().split(BETWEEN).filter((word) => word !== "");
}

/** The two ways to type a name, each as words: its ordinals left out, and written as letters. @param {string} text */
function fold(text) {
  return [words(text.replace(ORDINALS, "")), words(text)];
}

/** Those of the names that are searched at each key: 4,000 classes cost 10 ms to fold. @type {Map<string, string[][]>} */
const folded = new Map();

/** @param {string} name */
function formsOf(name) {
  let found = folded.get(name);
  if (found === undefined) folded.set(name, (found = fold(name)));
  return found;
}

/** @param {string[]} form */
function joined(form) {
  return form.join("");
}

/** Whether two names are the same but for how they are typed. @param {string} one @param {string} other */
export function isSameName(one, other) {
  const others = formsOf(other).map(joined);
  return fold(one).map(joined).some((form) => form !== "" && others.includes(form));
}

/**
 * Make a test for names that contain what is typed, or words that begin with each of its words. Nothing typed is in
 * every name.
 * @param {string} typed
 * @returns {(name: string) => boolean}
 */
export function finder(typed) {
  const wanted = fold(typed);
  return (name) => {
    const forms = formsOf(name);
    const contains = wanted.some((form) => forms.some((each) => joined(each).includes(joined(form))));
    return contains || wanted.some((form) => forms.some((each) => haveAll(each, form)));
  };
}

/** @param {string[]} name @param {string[]} wanted */
function haveAll(name, wanted) {
  return wanted.every((beginning) => name.some((word) => word.startsWith(beginning)));
>>>>>>> 02e5092 (Show first what needs attention on the dashboard, fold quiet classes)
}
