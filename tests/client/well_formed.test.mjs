import assert from "node:assert/strict";
import {test} from "node:test";

import {wellFormed, wellFormedJson} from "../../static/client/well_formed.js";

test("half an emoji is replaced, a whole one stays", () => {
  assert.equal(wellFormed("a😀b"), "a😀b");
  assert.equal(wellFormed("a\ud83d"), "a\ufffd");
  assert.equal(wellFormed("\ude00\ud83db"), "\ufffd\ufffdb");
  assert.equal(wellFormed("\ud83d\ud83d\ude00\ude00"), "\ufffd😀\ufffd");
});

test("what is written as JSON has no half of an emoji at any depth", () => {
  const value = {text: "a\ud83d", list: ["\ude00", {deep: "😀"}], number: 1, none: null};
  assert.deepEqual(JSON.parse(wellFormedJson(value)), {text: "a\ufffd", list: ["\ufffd", {deep: "😀"}], number: 1, none: null});
  assert.equal(wellFormedJson("\\ud83d"), JSON.stringify("\\ud83d"));
});
