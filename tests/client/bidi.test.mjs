import assert from "node:assert/strict";
import {test} from "node:test";

import {isolated, unmarked} from "../../static/bidi.js";

test("what runs from left to right stays as it is", () => {
  for (const text of ["", "João D'Ávila", "6º A · Matemática", "1.234", "山田 👩🏽‍🏫"]) assert.equal(isolated(text), text);
});

test("what runs from right to left is isolated from the sentence around it", () => {
  for (const text of ["שלום", "Ana سلام", "\u{1e900}"]) assert.equal(isolated(text), `\u2068${text}\u2069`);
});

test("marks that turn the direction are dropped: none reaches out of its name", () => {
  assert.equal(isolated("Ana\u202egnip\u202c"), "Anagnip");
  assert.equal(isolated("\u2069\u202eשלום"), "\u2068שלום\u2069");
  assert.equal(unmarked("\u202aA\u202bB\u2066C\u2067D\u2068E"), "ABCDE");
});
