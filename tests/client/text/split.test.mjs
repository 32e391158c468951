import assert from "node:assert/strict";
import {test} from "node:test";

import {split} from "../../../static/text/split.js";

const length = (text) => Array.from(text).length;

test("what fits is one part", () => {
  assert.deepEqual(split(" cabe \n", 10), ["cabe"]);
  assert.deepEqual(split("", 10), []);
});

test("it divides between paragraphs before lines, sentences and words", () => {
  assert.deepEqual(split("Um dois.\nTrês.\n\nQuatro cinco. Seis", 20), ["Um dois.\nTrês.", "Quatro cinco. Seis"]);
  assert.deepEqual(split("Um dois.\nTrês quatro. Cinco", 16), ["Um dois.", "Três quatro.", "Cinco"]);
  assert.deepEqual(split("Um dois. Três quatro cinco", 14), ["Um dois.", "Três quatro", "cinco"]);
  assert.deepEqual(split("um dois três", 9), ["um dois", "três"]);
});

test("a part that would be short is not worth the better place", () => {
  assert.deepEqual(split("a\n\nbbb ccc ddd eee", 12), ["a\n\nbbb ccc", "ddd eee"]);
});

test("a word that is too long is cut between characters as readers see them", () => {
  assert.deepEqual(split("abcdefgh", 3), ["abc", "def", "gh"]);
  assert.deepEqual(split("😀😀😀", 2), ["😀😀", "😀"]);
  const family = "👩🏽‍🏫"; // four code points
  assert.deepEqual(split(family.repeat(3), 9), [family.repeat(2), family]);
  assert.deepEqual(split("👍🏽".repeat(2), 3), ["👍🏽", "👍🏽"]);
  assert.deepEqual(split("e\u0301e\u0301", 3), ["e\u0301", "e\u0301"]);
});

test("accents upon accents are cut where a message ends", () => {
  assert.deepEqual(split("a" + "\u0301".repeat(9), 4).map(length), [4, 4, 2]);
});

test("every part fits, none is blank, and nothing is lost", () => {
  const signs = ["a", "palavra ", "Fim. ", "\n", "\n\n", "😀", "👩🏽‍🏫", "e\u0301", " ", "שלום "];
  let seed = 3;
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648);
  for (let round = 0; round < 300; round += 1) {
    const text = Array.from({length: 80}, () => signs[next() % signs.length]).join("");
    const parts = split(text, 25);
    assert.ok(parts.every((part) => length(part) <= 25 && part.trim() !== "" && part.isWellFormed()), JSON.stringify(parts));
    assert.equal(parts.join("").replace(/\s/g, ""), text.replace(/\s/g, ""));
  }
});
