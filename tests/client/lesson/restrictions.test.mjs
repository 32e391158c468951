import assert from "node:assert/strict";
import test from "node:test";

import {Refused} from "../../../static/client/errors.js";
import {Restrictions} from "../../../static/lesson/restrictions.js";

const HOURS = {mode: "hours", spans: []};

function hours(open, ...changes) {
  return {own: null, school: HOURS, zone: "UTC", open, changes};
}

function joined(state) {
  const restrictions = new Restrictions();
  restrictions.join(state);
  return restrictions;
}

test("nothing keeps a student from writing in a class that has set nothing", () => {
  assert.equal(new Restrictions().at(0), null);
  assert.equal(joined({}).at(0), null);
  assert.equal(joined({lock: null, slow: {seconds: 0}, mute: null}).next(0), null);
});

test("what lasts longest is said first", () => {
  const restrictions = joined({lock: {notes: true}, slow: {seconds: 9}, mute: {until: 500}, hours: hours(false, 100)});
  assert.deepEqual(restrictions.at(0), {kind: "closed", until: 100});
  assert.deepEqual(restrictions.at(100), {kind: "muted", until: 500});
  assert.deepEqual(restrictions.at(500), {kind: "locked", until: null, notes: true});
  restrictions.lock = null;
  assert.deepEqual(restrictions.at(500), {kind: "slow", until: 500, seconds: 9});
});

test("it is known when to look again", () => {
  const restrictions = joined({mute: {until: 500}, hours: hours(true, 100, 900)});
  assert.deepEqual([0, 100, 500, 900].map((now) => restrictions.next(now)), [100, 500, 900, null]);
});

test("hours open and close in turn", () => {
  const restrictions = joined({hours: hours(true, 100, 200)});
  assert.deepEqual([99, 100, 199, 200].map((now) => restrictions.isOpen(now)), [true, false, false, true]);
});

test("in slow mode the wait begins with one's own message", () => {
  const restrictions = joined({slow: {seconds: 2}});
  assert.deepEqual(restrictions.at(1000), {kind: "slow", until: 1000, seconds: 2});
  restrictions.sent(1000);
  assert.deepEqual(restrictions.at(1500), {kind: "slow", until: 3000, seconds: 2});
  restrictions.slowed(5);
  assert.deepEqual(restrictions.at(1500), {kind: "slow", until: 1500, seconds: 5});
});

test("a refusal of the server goes before what the page knew", () => {
  const restrictions = new Restrictions();
  const refuse = (response) => restrictions.refused(Refused.from(response), 1000);
  refuse({code: "slow", retry_after: 300});
  assert.equal(restrictions.next(1000), 1300);
  refuse({code: "locked"});
  assert.equal(restrictions.at(1000)?.kind, "locked");
  refuse({code: "muted", until: 9000});
  assert.deepEqual(restrictions.at(1000), {kind: "muted", until: 9000});
  refuse({code: "closed", opens_at: 5000});
  assert.deepEqual(restrictions.at(1000), {kind: "closed", until: 5000});
  refuse({code: "closed"});
  assert.deepEqual(restrictions.at(9000), {kind: "closed", until: null});
  refuse({code: "forbidden"});
  assert.equal(restrictions.at(9000)?.kind, "closed");
});
