import assert from "node:assert/strict";
import {test} from "node:test";

import {isCopy, isOver, isSame} from "../../../static/announcements/together.js";

const said = {author: {id: 3}, at: 1000, text: "Prova", title: ""};

test("announcements under one key are one, whatever their words", () => {
  assert.ok(isSame({...said, key: "a"}, {...said, key: "a", at: 10 ** 9}));
  assert.ok(!isSame({...said, key: "a"}, {...said, key: "b"}));
});

test("those without a key are one when they were said together", () => {
  assert.ok(isSame(said, {...said, at: 2000}));
  assert.ok(!isSame(said, {...said, at: 10 ** 9}));
});

test("an announcement is over when it is withdrawn or its time is past", () => {
  assert.ok(isOver({withdrawn: {by: {id: 3}}}));
  assert.ok(isOver({expires_at: 10}, 10));
  assert.ok(!isOver({expires_at: 11}, 10));
  assert.ok(!isOver({}, 10));
});

test("an announcement to several topics is new in the first of the user's", () => {
  const to = ["class:5", "class:7", "class:8"];
  assert.ok(!isCopy("class:7", {to}, ["school", "class:7", "class:8"]));
  assert.ok(isCopy("class:8", {to}, ["school", "class:7", "class:8"]));
  assert.ok(!isCopy("class:7", {}, ["class:7"]));
});
