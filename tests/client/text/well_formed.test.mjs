import assert from "node:assert/strict";
import {test} from "node:test";

import {wellFormed} from "../../../static/text/well_formed.js";

test("half an emoji is replaced, a whole one stays", () => {
  assert.equal(wellFormed("a😀b"), "a😀b");
  assert.equal(wellFormed("a\ud83d"), "a\ufffd");
  assert.equal(wellFormed("\ude00\ud83db"), "\ufffd\ufffdb");
  assert.equal(wellFormed("\ud83d\ud83d\ude00\ude00"), "\ufffd😀\ufffd");
});
