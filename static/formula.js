/**
 * Formulas, shown as MathML. The server reads their TeX (server/formulas.py), several at once, when a page first has some;
 * the elements are made here, each of those that MathML has for presentation. What cannot be read stays text.
 */

import {Backoff} from "./client/backoff.js";
import {sendRequest} from "./client/request.js";
import {reflow} from "./reflow.js";

/** @typedef {{source: string, isBlock: boolean}} Formula */
/** @typedef {{element: HTMLElement, key: string}} Waiting */
/** @typedef {[string, Record<string, string>, ...(string | Tree)[]]} Tree */

const MATHML = "http://www.w3.org/1998/Math/MathML";
const ELEMENTS = new Set(
  ("math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt mstyle msub " +
    "msubsup msup mtable mtd mtext mtr munder munderover").split(" "),
);
const ATTRIBUTES = new Set(
  ("accent accentunder columnspan depth display displaystyle form height largeop linethickness lspace mathcolor mathvariant " +
    "maxsize minsize movablelimits notation rowspan rspace scriptlevel separator stretchy symmetric voffset width").split(" "),
);
const STYLES = new Set(
  ("color border-top border-right border-bottom border-left text-align justify-items padding-left padding-right " +
    "padding-top padding-bottom width").split(" "),
);

/** As many as the server reads at once (server/views/formulas). */
const MOST_AT_ONCE = 50;
/** Formulas of a page that are kept: a lesson's, and those of its announcements. */
const MAX_KEPT = 500;
const ANSWER_MS = 10_000;
const backoff = new Backoff(Math.random);

/** @type {Map<string, Tree | null>} by key */
const known = new Map();
/** @type {Waiting[]} */
let waiting = [];
let isAsking = false;

/** Show a formula in an element, as soon as it has been read. @param {HTMLElement} element @param {Formula} formula */
export function showFormula(element, formula) {
  if (!("MathMLElement" in window)) return; // a browser that would show a fraction as two numbers in a row
  const key = JSON.stringify(formula);
  const tree = known.get(key);
  if (tree !== undefined) return fill(element, tree);
  if (waiting.push({element, key}) === 1) setTimeout(ask);
}

/** One request at a time; those that come meanwhile wait for the next. */
function ask() {
  if (isAsking || waiting.length === 0) return;
  const keys = [...new Set(waiting.map(({key}) => key))].slice(0, MOST_AT_ONCE);
  isAsking = true;
  sendRequest(asRequest(keys), ANSWER_MS, (answer) => {
    isAsking = false;
    if (!Array.isArray(answer?.formulas)) return askAgain();
    backoff.reset();
    reflow(() => keys.forEach((key, index) => learn(key, answer.formulas[index] ?? null)));
    ask();
  });
}

/** Only for those that are still on the page. */
function askAgain() {
  setTimeout(() => {
    waiting = waiting.filter(({element}) => element.isConnected);
    ask();
  }, backoff.next());
}

/** @param {string[]} keys @returns {import("./client/request.js").Request} */
function asRequest(keys) {
  const formulas = keys.map((key) => JSON.parse(key)).map(({source, isBlock}) => ({source, block: isBlock}));
  const token = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=_xsrf]"))?.value ?? "";
  const headers = {"Content-Type": "application/json", "X-Xsrftoken": token};
  return {method: "POST", path: "/formulas", headers, body: JSON.stringify({formulas})};
}

/** @param {string} key @param {Tree | null} tree */
function learn(key, tree) {
  if (known.size >= MAX_KEPT) known.delete(/** @type {string} */ (known.keys().next().value));
  known.set(key, tree);
  for (const each of waiting) if (each.key === key) fill(each.element, tree);
  waiting = waiting.filter((each) => each.key !== key);
}

/** @param {HTMLElement} element @param {Tree | null} tree */
function fill(element, tree) {
  const node = tree === null ? null : asElement(tree);
  if (node === null) return;
  element.title = element.textContent ?? "";
  element.replaceChildren(node);
}

/** Null where there is an element that is none of ours. @param {Tree} tree @returns {Element | null} */
function asElement([name, attributes, ...children]) {
  if (!ELEMENTS.has(name)) return null;
  const element = /** @type {MathMLElement} */ (document.createElementNS(MATHML, name));
  for (const [key, value] of Object.entries(attributes)) {
    if (ATTRIBUTES.has(key)) element.setAttribute(key, value);
    else if (key === "style") setStyles(element.style, value);
  }
  for (const child of children) {
    const node = typeof child === "string" ? child : asElement(child);
    if (node === null) return null;
    element.append(node);
  }
  return element;
}

/** One by one, as the Content-Security-Policy allows. @param {CSSStyleDeclaration} style @param {string} text */
function setStyles(style, text) {
  for (const declaration of text.split(";")) {
    const [name, value = ""] = declaration.split(":").map((part) => part.trim());
    if (STYLES.has(name) && /^[\w#.% -]+$/.test(value)) style.setProperty(name, value);
  }
}
