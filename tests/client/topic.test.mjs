import assert from "node:assert/strict";
import {test} from "node:test";

import {DASHBOARD, PRINCIPALS, SCHOOL, USER, classStaffTopic, classTopic, isClass, parseTopic, roleTopic} from "../../static/topic.js";

test("each kind is found by its names", () => {
  assert.deepEqual(parseTopic("class:7"), {kind: "class", id: 7});
  assert.deepEqual(parseTopic("role:students"), {kind: "role"});
  assert.deepEqual([SCHOOL, USER, PRINCIPALS, DASHBOARD].map((name) => parseTopic(name).kind), ["school", "user", "principals", "dashboard"]);
});

test("names are parsed as they are built", () => {
  assert.deepEqual(parseTopic(classTopic(12)), {kind: "class", id: 12});
  assert.deepEqual(parseTopic(classStaffTopic(12)), {kind: "staff", id: 12});
  assert.equal(parseTopic(roleTopic("teachers")).kind, "role");
});

test("a name of no known kind has none", () => {
  for (const name of ["", "class:", "class:0", "class:07", "class:7:students", "class:07:staff", "user:12", "schools", "administration"]) {
    assert.deepEqual(parseTopic(name), {kind: ""}, name);
    assert.equal(isClass(name), false, name);
  }
});
