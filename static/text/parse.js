/**
 * What somebody wrote, taken apart: lines with marks in them, blocks of code, formulas and lists. Nothing here makes
 * elements (../text.js does), and what is not understood stays text as it was written.
 *
 *     ```            $$                - one            1. first
 *     code           \frac{a}{b}       - two            2. second
 *     ```            $$                  - within two
 *
 * A list has two items or more: a line that begins with a dash, or a year with a full stop, is a line. Time is linear.
 */

import {MAX_FORMULA, parseLine} from "./inline.js";

/**
 * @typedef {import("./inline.js").Inline} Inline
 * @typedef {{number: number | null, children: Inline[], lists: List[]}} Item
 * @typedef {{kind: "list", isOrdered: boolean, hasBrackets: boolean, items: Item[]}} List `hasBrackets`: "1)", not "1."
 * @typedef {{kind: "lines", children: Inline[]}} Lines
 * @typedef {{kind: "code", text: string}} CodeBlock
 * @typedef {{kind: "formula", text: string, isBlock: boolean}} FormulaBlock
 * @typedef {Lines | CodeBlock | FormulaBlock | List} Block
 * @typedef {{blocks: Block[], next: number}} Found `next`: the first line after it
 */

const FENCE = /^ {0,3}```[\w+#.-]{0,20}\s*$/;
const FENCE_END = /^ {0,3}```\s*$/;
const ITEM = /^( *)(?:[-*•]|(\d{1,4})([.)]))[ \t]+(\S.*)$/;
/** Deeper than anybody writes, on a phone narrower than anybody reads. */
const MAX_DEPTH = 3;

/** @param {string} text @returns {Block[]} */
export function parse(text) {
  const lines = text.split("\n");
  const fenceEnd = lines.findLastIndex((line) => FENCE_END.test(line));
  const formulaEnd = lines.findLastIndex((line) => line.trimEnd().endsWith("$$"));
  /** @type {Block[]} */
  const blocks = [];
  /** @type {string[]} */
  let plain = [];
  for (let index = 0; index < lines.length; ) {
    const found = (index < fenceEnd && codeAt(lines, index)) || (index <= formulaEnd && formulaAt(lines, index)) || listAt(lines, index);
    if (!found) {
      plain.push(lines[index]);
      index += 1;
      continue;
    }
    blocks.push(...asLines(plain), ...found.blocks);
    plain = [];
    index = found.next;
  }
  return [...blocks, ...asLines(plain)];
}

/** What was said, without the marks: for a preview, and for speech. @param {string} text */
export function plainText(text) {
  return parse(text).map(plainBlock).join("\n");
}

/** @param {Block} block @returns {string} */
function plainBlock(block) {
  if (block.kind === "lines") return plainInline(block.children);
  if (block.kind === "list") return plainList(block).join("\n");
  return block.text;
}

/** @param {List} list @returns {string[]} */
function plainList({items}) {
  return items.flatMap(({number, children, lists}) => {
    return [`${number === null ? "•" : `${number}.`} ${plainInline(children)}`, ...lists.flatMap(plainList)];
  });
}

/** @param {Inline[]} children @returns {string} */
function plainInline(children) {
  return children.map((child) => (typeof child === "string" ? child : "text" in child ? child.text : plainInline(child.children))).join("");
}

/** @param {string[]} lines @returns {Lines[]} */
function asLines(lines) {
  if (lines.every((line) => line.trim() === "")) return [];
  const children = lines.flatMap((line, index) => (index === 0 ? parseLine(line) : ["\n", ...parseLine(line)]));
  return [{kind: "lines", children: joined(children)}];
}

/** Neighbouring strings as one. @param {Inline[]} children */
function joined(children) {
  /** @type {Inline[]} */
  const all = [];
  for (const child of children) {
    const last = all[all.length - 1];
    if (typeof child === "string" && typeof last === "string") all[all.length - 1] = last + child;
    else all.push(child);
  }
  return all;
}

/** @param {string[]} lines @param {number} index @returns {Found | null} */
function codeAt(lines, index) {
  if (!FENCE.test(lines[index])) return null;
  let end = index + 1;
  while (end < lines.length && !FENCE_END.test(lines[end])) end += 1;
  return end === lines.length ? null : {blocks: [{kind: "code", text: lines.slice(index + 1, end).join("\n")}], next: end + 1};
}

/** `$$` at the beginning of a line up to `$$` at the end of one. @param {string[]} lines @param {number} index @returns {Found | null} */
function formulaAt(lines, index) {
  if (!lines[index].trimStart().startsWith("$$")) return null;
  let text = lines[index].trim().slice(2);
  let next = index + 1;
  for (; !text.endsWith("$$") && next < lines.length && text.length <= MAX_FORMULA; next += 1) text += `\n${lines[next].trimEnd()}`;
  const formula = text.slice(0, -2).trim();
  const isFormula = text.endsWith("$$") && formula !== "" && formula.length <= MAX_FORMULA && !formula.includes("$");
  return isFormula ? {blocks: [{kind: "formula", text: formula, isBlock: true}], next} : null;
}

/** @param {string[]} lines @param {number} index @returns {Found | null} */
function listAt(lines, index) {
  let next = index;
  while (next < lines.length && ITEM.test(lines[next])) next += 1;
  return next - index < 2 ? null : {blocks: asLists(lines.slice(index, next)), next};
}

/**
 * Lines as lists, by how far each is indented; numbers after dashes begin another list.
 * @param {string[]} lines
 */
function asLists(lines) {
  const outer = {lists: /** @type {List[]} */ ([])};
  /** @type {{indent: number, list: List, within: {lists: List[]}}[]} those that are open, the outer one first */
  const levels = [];
  for (const line of lines) {
    const [, {length: indent}, number, sign, text] = /** @type {RegExpExecArray} */ (ITEM.exec(line));
    while (levels.length > 1 && indent < levels[levels.length - 1].indent) levels.pop();
    const level = levels.at(-1);
    const isOrdered = number !== undefined;
    const isDeeper = level !== undefined && indent >= level.indent + 2 && levels.length < MAX_DEPTH;
    const isOther = level === undefined || isDeeper || level.list.isOrdered !== isOrdered;
    if (isOther) {
      const within = isDeeper ? level.list.items[level.list.items.length - 1] : level?.within ?? outer;
      const list = {kind: /** @type {const} */ ("list"), isOrdered, hasBrackets: sign === ")", items: []};
      if (!isDeeper) levels.pop();
      levels.push({indent, list, within});
      within.lists.push(list);
    }
    levels[levels.length - 1].list.items.push({number: isOrdered ? Number(number) : null, children: parseLine(text), lists: []});
  }
  return outer.lists;
}
