import assert from "node:assert/strict";
import {test} from "node:test";

import {parse, plainText} from "../../../static/text/parse.js";

const lines = (...children) => ({kind: "lines", children});
const item = (text, {number = null, lists = []} = {}) => ({number, children: [text], lists});
const bullets = (...items) => ({kind: "list", isOrdered: false, hasBrackets: false, items});
const numbers = (...items) => ({kind: "list", isOrdered: true, hasBrackets: false, items});

test("a text without marks is one string, line breaks and spaces as they are", () => {
  const text = "primeira linha\n\n  segunda  👩🏽‍🏫 שלום\n<b>&amp;</b>";
  assert.deepEqual(parse(text), [lines(text)]);
});

test("two items or more are a list, one is a line", () => {
  assert.deepEqual(parse("- um\n- dois"), [bullets(item("um"), item("dois"))]);
  assert.deepEqual(parse("* um\n• dois"), [bullets(item("um"), item("dois"))]);
  assert.deepEqual(parse("- só um"), [lines("- só um")]);
  assert.deepEqual(parse("-1\n-2"), [lines("-1\n-2")]);
});

test("a numbered item keeps its number", () => {
  assert.deepEqual(parse("3. x\n7. y"), [numbers(item("x", {number: 3}), item("y", {number: 7}))]);
  assert.deepEqual(parse("1) x\n2) y")[0].hasBrackets, true);
});

test("an indented item is within the one before it", () => {
  const inner = bullets(item("dentro"), item("dentro 2"));
  assert.deepEqual(parse("- um\n  - dentro\n  - dentro 2\n- dois"), [bullets(item("um", {lists: [inner]}), item("dois"))]);
  assert.deepEqual(parse("1. um\n  - dentro\n2. dois"), [
    numbers(item("um", {number: 1, lists: [bullets(item("dentro"))]}), item("dois", {number: 2})),
  ]);
});

test("numbers after dashes are another list", () => {
  assert.deepEqual(parse("- a\n- b\n1. c"), [bullets(item("a"), item("b")), numbers(item("c", {number: 1}))]);
});

test("lists stand between lines, and blank lines around them go", () => {
  assert.deepEqual(parse("Tragam:\n- régua\n- lápis\nAté amanhã"), [lines("Tragam:"), bullets(item("régua"), item("lápis")), lines("Até amanhã")]);
  assert.deepEqual(parse("\n- a\n- b\n\n"), [bullets(item("a"), item("b"))]);
});

test("between fences is code, as it was written", () => {
  const code = "for i in range(3):\n    print(i)  # **não** é negrito\n\n- nem lista";
  assert.deepEqual(parse(`Vejam:\n\`\`\`python\n${code}\n\`\`\`\ne rodem`), [lines("Vejam:"), {kind: "code", text: code}, lines("e rodem")]);
});

test("a fence that is not closed is text", () => {
  assert.deepEqual(parse("```\nx = 1"), [lines("```\nx = 1")]);
});

test("a formula on lines of its own is one", () => {
  const formula = {kind: "formula", text: "\\frac{a}{b}", isBlock: true};
  assert.deepEqual(parse("Assim:\n$$\n\\frac{a}{b}\n$$\ncerto?"), [lines("Assim:"), formula, lines("certo?")]);
  assert.deepEqual(parse("$$\\frac{a}{b}$$"), [formula]);
  assert.deepEqual(parse("$$\naberto"), [lines("$$\naberto")]);
});

test("marks end with their line", () => {
  assert.deepEqual(parse("*a\nb*"), [lines("*a\nb*")]);
});

test("without marks it reads as it was said", () => {
  assert.equal(plainText("**Prova** na *sexta*:\n1. `a`\n2. www.exemplo.com\n```\nx\n```"), "Prova na sexta:\n1. a\n2. www.exemplo.com\nx");
  assert.equal(plainText("- um\n  - dentro"), "• um\n• dentro");
});

test("lists are nested three deep at most", () => {
  const text = Array.from({length: 30}, (_, depth) => `${"  ".repeat(depth)}- x`).join("\n");
  const depth = (list) => 1 + Math.max(0, ...list.items.flatMap(({lists}) => lists.map(depth)));
  assert.equal(depth(parse(text)[0]), 3);
});

// With the square of their number such lines would take minutes.
test("hostile lines of any number are read in linear time", {timeout: 120_000}, () => {
  for (const line of ["```x", "- a\n1. b", "$$", "$$a", "  - a\n- b", "```", "$$a$", "1) a"]) parse(`${line}\n`.repeat(40_000));
});
