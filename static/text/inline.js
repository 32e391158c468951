/**
 * The marks within one line: `**bold**`, `*italics*`, `` `code` ``, `$formula$` and web addresses.
 *
 * A mark that has no partner on its line, or that stands where a sentence may have it (2*3*4, R$ 5), is text like any other.
 * Time is linear in the length of the line: each alternative below is bounded, or stops at the character that begins the
 * next attempt, and of a mark that is opened twice only the newer one counts.
 */

import {asAddress} from "./address.js";

/**
 * @typedef {{kind: "strong" | "emphasis", children: Inline[]}} Marked
 * @typedef {{kind: "code", text: string}} Code
 * @typedef {{kind: "formula", text: string, isBlock: boolean}} Formula `text`: TeX without its dollar signs
 * @typedef {{kind: "link", text: string, href: string}} Link
 * @typedef {string | Marked | Code | Formula | Link} Inline
 * @typedef {{length: number, node: Exclude<Inline, string> | null}} Token a mark has no node
 */

/** More than a formula of a lesson has; the server's bound (server/formulas.py). */
export const MAX_FORMULA = 1000;

const TOKEN = new RegExp(
  [
    "(`{1,3})([^`\\n]+)\\1", // 1, 2: code
    `(\\$\\$?)((?:\\\\.|[^$\\\\]){1,${MAX_FORMULA}})\\3`, // 3, 4: a formula
    "(https?:\\/\\/[^\\s<>\"`]+)", // 5: an address
    "((?:[a-z0-9-]{1,63}\\.){1,8}[a-z]{2,6}(?:[/?#:][^\\s<>\"`]*)?)", // 6: perhaps one
    "(\\*+)", // 7: a mark
  ].join("|"),
  "gi",
);

const WORD = /[\p{L}\p{N}]/u;
const SPACE = /\s/;

/** What stands between `**` and its partner. @type {Record<string, "strong" | "emphasis">} */
const KINDS = {"*": "emphasis", "**": "strong"};

/** @param {string} line @returns {Inline[]} neighbouring strings may be several */
export function parseLine(line) {
  const marks = new Marks();
  let end = 0;
  for (const {index, length, node} of tokens(line)) {
    marks.add(line.slice(end, index));
    if (node === null) marks.meet(line, index, length);
    else marks.add(node);
    end = index + length;
  }
  marks.add(line.slice(end));
  return marks.close();
}

/** What is more than text, in order. @param {string} line */
function tokens(line) {
  /** @type {(Token & {index: number})[]} */
  const all = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(line); match !== null; match = TOKEN.exec(line)) {
    const {index} = match;
    const token = asToken(match, line);
    if (token !== null) all.push({index, ...token});
    // What only looked like a formula may have other tokens within.
    const dollars = match[3];
    TOKEN.lastIndex = index + (token?.length ?? dollars?.length ?? match[0].length);
  }
  return all;
}

/** @param {RegExpExecArray} match @param {string} line @returns {Token | null} */
function asToken(match, line) {
  const [{length}, , code, dollars, formula, , , mark] = match;
  if (code !== undefined) return {length, node: {kind: "code", text: code}};
  if (mark !== undefined) return {length, node: null};
  const before = characterBefore(line, match.index);
  const after = line.slice(match.index + length, match.index + length + 1);
  if (formula === undefined) return asLink(match[0], {before, after, hasScheme: match[5] !== undefined});
  if (!isFormula(formula, before, after)) return null;
  return {length, node: {kind: "formula", text: formula.trim(), isBlock: dollars === "$$"}};
}

/** Neither a part of a longer word nor of an e-mail address. @param {string} found @param {{before: string, after: string, hasScheme: boolean}} around */
function asLink(found, {before, after, hasScheme}) {
  if (WORD.test(before) || (!hasScheme && (/[@._/:-]/.test(before) || /[@\p{L}\p{N}_-]/u.test(after)))) return null;
  const address = asAddress(found, hasScheme);
  return address === null ? null : {length: address.text.length, node: /** @type {Link} */ ({kind: "link", ...address})};
}

/** Sums of money are none: "R$ 5 e R$ 10", "$5 and $10", "10$00". @param {string} formula @param {string} before @param {string} after */
function isFormula(formula, before, after) {
  const isClosed = !SPACE.test(formula[0]) && !SPACE.test(formula.at(-1) ?? " ");
  return isClosed && !/[\p{L}\p{N}$\\]/u.test(before) && !/[\p{L}\p{N}$]/u.test(after);
}

/** The character before a place, whole also if it is a pair of surrogates. @param {string} line @param {number} index */
function characterBefore(line, index) {
  return Array.from(line.slice(Math.max(0, index - 2), index)).at(-1) ?? "";
}

/** Bold and italics that are open, the outer one first. */
class Marks {
  /** @type {{mark: string, children: Inline[]}[]} the first is the line itself */
  #open = [{mark: "", children: []}];

  /** @param {Inline} node */
  add(node) {
    if (node !== "") this.#open[this.#open.length - 1].children.push(node);
  }

  /** A run of asterisks opens, closes or is text. @param {string} line @param {number} index @param {number} length */
  meet(line, index, length) {
    const run = "*".repeat(length);
    if (length > 3) return this.add(run);
    const before = characterBefore(line, index);
    const after = String.fromCodePoint(line.codePointAt(index + length) ?? 0x20);
    const parts = length === 3 ? ["**", "*"] : [run];
    if (!SPACE.test(before || " ") && !WORD.test(after) && parts.every((mark) => this.#find(mark) > 0)) {
      for (const mark of parts.sort((one, other) => this.#find(other) - this.#find(one))) this.#closeMark(mark);
    } else if (!WORD.test(before) && !SPACE.test(after)) parts.forEach((mark) => this.#openMark(mark));
    else this.add(run);
  }

  /** The line is over. @returns {Inline[]} */
  close() {
    this.#flatten(1);
    return this.#open[0].children;
  }

  /** @param {string} mark */
  #find(mark) {
    return this.#open.findIndex((each) => each.mark === mark);
  }

  /** @param {string} mark */
  #openMark(mark) {
    const older = this.#find(mark);
    if (older > 0) this.#flatten(older);
    this.#open.push({mark, children: []});
  }

  /** @param {string} mark */
  #closeMark(mark) {
    const index = this.#find(mark);
    this.#flatten(index + 1);
    const [{children}] = this.#open.splice(index);
    this.add({kind: KINDS[mark], children});
  }

  /** What was opened from there on has no partner: it is text. @param {number} from */
  #flatten(from) {
    for (const {mark, children} of this.#open.splice(from)) {
      this.add(mark);
      for (const child of children) this.add(child);
    }
  }
}
