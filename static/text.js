/**
 * What somebody wrote, as elements: kept as it was written, with its marks, lists, code, formulas and web addresses shown as
 * what they are. Each element is made here, so that nothing which was written becomes any other.
 */

import {h} from "./dom.js";
import {later} from "./later.js";
import {isFewEmoji} from "./text/emoji.js";
import {parse} from "./text/parse.js";

/** @typedef {import("./text/inline.js").Inline} Inline */
/** @typedef {import("./text/parse.js").Block} Block */
/** @typedef {import("./text/parse.js").List} List */

const formulas = later(() => import("./formula.js"));
/** Once there is one. @type {typeof import("./formula.js").showFormula | null} */
let showFormula = null;

/** A longer one may be wider than a phone, and is scrolled sideways: browsers do not break formulas into lines. */
const LONG_FORMULA = 20;

/**
 * Make the element of a text.
 * @param {string} text
 */
export function textElement(text) {
  const kind = isFewEmoji(text) ? "text few-emoji" : "text";
  return h("div", {class: kind, dir: "auto"}, ...parse(text).flatMap(asNodes));
}

/** @param {Block} block @returns {(Node | string)[]} */
function asNodes(block) {
  if (block.kind === "lines") return block.children.map(asNode);
  if (block.kind === "list") return [listElement(block)];
  if (block.kind === "code") return [h("pre", {dir: "ltr"}, h("code", {}, block.text))];
  return [formulaElement(block.text, true)];
}

/** @param {Inline} inline @returns {Node | string} */
function asNode(inline) {
  if (typeof inline === "string") return inline;
  if (inline.kind === "code") return h("code", {dir: "ltr"}, inline.text);
  if (inline.kind === "link") return link(inline);
  if (inline.kind === "formula") return formulaElement(inline.text, inline.isBlock);
  return h(inline.kind === "strong" ? "strong" : "em", {}, ...inline.children.map(asNode));
}

/** @param {{text: string, href: string}} address */
function link({text, href}) {
  return h("a", {href, target: "_blank", rel: "noopener noreferrer nofollow"}, text);
}

/** Each item keeps the number that it was given. @param {List} list @returns {HTMLElement} */
function listElement({isOrdered, hasBrackets, items}) {
  const children = items.map(({number, children: words, lists}) => {
    return h("li", {value: number, dir: "auto"}, ...words.map(asNode), ...lists.map(listElement));
  });
  return h(isOrdered ? "ol" : "ul", {class: isOrdered && hasBrackets ? "with-brackets" : null}, ...children);
}

/** A formula is its source until it has been read, and stays so where it is wrong. @param {string} source @param {boolean} isBlock */
function formulaElement(source, isBlock) {
  const sign = isBlock ? "$$" : "$";
  const room = isBlock ? "formula-block" : source.length > LONG_FORMULA ? "formula-long" : "";
  const element = h("span", {class: `formula ${room}`}, `${sign}${source}${sign}`);
  showIn(element, {source, isBlock});
  return element;
}

/** @param {HTMLElement} element @param {import("./formula.js").Formula} formula */
function showIn(element, formula) {
  if (showFormula !== null) return showFormula(element, formula);
  void formulas.need((module) => {
    ({showFormula} = module);
    showFormula(element, formula);
  });
}
