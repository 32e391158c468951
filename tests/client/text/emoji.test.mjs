import assert from "node:assert/strict";
import {test} from "node:test";

import {isFewEmoji} from "../../../static/text/emoji.js";

test("one to three emoji alone are few", () => {
  for (const text of ["👍", "❤️", "👩🏽‍🏫", "🇧🇷", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️‍🔥", "👍 👍🏽 🎉", "🏳️‍🌈"]) assert.ok(isFewEmoji(text), text);
});

test("words, signs and more than three are not", () => {
  for (const text of ["", " ", "1", "#", "©", "a👍", "👍!", "👍👍👍👍", "🇧", "\u200d", "👍".repeat(2000)]) assert.ok(!isFewEmoji(text), text);
});
