import assert from "node:assert/strict";
import {test} from "node:test";

import {CLOSED, FLAGGED, OpenFlags, SEEN} from "../../../static/reports/open_flags.js";

const ana = {id: 1, name: "Ana", role: "student"};
const flag = (seq, target, more = {}) => {
  return {event: FLAGGED, payload: {seq, target, topic: "class:7", text: "x", user: ana, at: seq, ...more}};
};
const about = (event, target) => ({event, payload: {seq: 90, target, at: 90}});
const listed = (flags) => flags.cases().map(({target, flags: each}) => [target, each.map(({seq}) => seq)]);

test("flags of one message are one case", () => {
  const flags = new OpenFlags();
  flags.begin({open: [flag(1, 10), flag(2, 11)], more: 0});
  flags.take(flag(3, 10));
  assert.deepEqual(listed(flags), [[10, [1, 3]], [11, [2]]]);
  assert.equal(flags.count, 2);
});

test("a closed flag is gone, and of those not listed one less is counted", () => {
  const flags = new OpenFlags();
  flags.begin({open: [flag(1, 10)], more: 2});
  flags.take(about(CLOSED, 1));
  flags.take(about(CLOSED, 2));
  assert.deepEqual([listed(flags), flags.more, flags.count], [[], 1, 1]);
});

test("what somebody has seen is not told again", () => {
  const flags = new OpenFlags();
  flags.begin({open: [flag(1, 10), flag(2, 11, {seen: 5})], more: 0});
  assert.deepEqual(flags.unseen, [1]);
  flags.take(about(SEEN, 1));
  assert.deepEqual(flags.unseen, []);
});

test("flags that were not listed come from the history, without the closed ones", () => {
  const flags = new OpenFlags();
  flags.begin({open: [flag(4, 10)], more: 2});
  flags.addOlder([flag(1, 11), flag(2, 12, {closed: 9}), flag(3, 11), flag(4, 10)]);
  assert.deepEqual([listed(flags), flags.more], [[[11, [1, 3]], [10, [4]]], 0]);
});
