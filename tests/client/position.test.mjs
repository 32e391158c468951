import assert from "node:assert/strict";
import {test} from "node:test";

import {Position} from "../../static/client/position.js";
import {joinReply, message, messages} from "./support/client.mjs";

function positionAt(seq, epoch = "e1") {
  const position = new Position();
  position.take(joinReply({epoch, seq}));
  return position;
}

const payload = (seq) => message(seq).payload;

test("without a position a join says nothing of one", () => {
  assert.deepEqual(new Position().params(), {});
});

test("a join says the last position and its epoch", () => {
  assert.deepEqual(positionAt(7).params(), {since: 7, epoch: "e1"});
  assert.deepEqual(positionAt(0).params(), {since: 0, epoch: "e1"});
});

test("the first reply's events may begin anywhere", () => {
  const position = new Position();
  const events = messages(51, 100);
  assert.deepEqual(position.take(joinReply({seq: 100, events})), {resumed: false, events});
  assert.equal(position.seq, 100);
});

test("a reply that goes on from the position resumes", () => {
  const position = positionAt(7);
  assert.deepEqual(position.take(joinReply({seq: 9, events: messages(8, 9)})), {resumed: true, events: messages(8, 9)});
  assert.equal(position.seq, 9);
});

test("events of a reply that we have already are left out", () => {
  assert.deepEqual(positionAt(7).take(joinReply({seq: 9, events: messages(5, 9)})).events, messages(8, 9));
});

test("a reply that is not complete, or of another epoch, replaces what was", () => {
  const incomplete = joinReply({seq: 500, complete: false, events: messages(451, 500)});
  assert.deepEqual(positionAt(7).take(incomplete), {resumed: false, events: messages(451, 500)});
  const restored = positionAt(7);
  const events = messages(1, 3);
  assert.deepEqual(restored.take(joinReply({epoch: "e2", seq: 3, events})), {resumed: false, events});
  assert.deepEqual(restored.params(), {since: 3, epoch: "e2"});
});

test("a reply with a hole is not taken, and nothing moves", () => {
  const position = positionAt(7);
  const holes = [
    joinReply({seq: 10, events: messages(9, 10)}),
    joinReply({seq: 10, events: [message(8), message(10)]}),
    joinReply({seq: 10, events: messages(8, 9)}),
    joinReply({seq: 10, events: []}),
    joinReply({seq: 100, complete: false, events: [message(98), message(100)]}),
  ];
  for (const reply of holes) assert.equal(position.take(reply), null);
  assert.deepEqual(position.params(), {since: 7, epoch: "e1"});
});

test("live events are next, repeated, or after a hole", () => {
  const position = positionAt(7);
  assert.equal(position.judge(payload(8)), "next");
  assert.equal(position.judge(payload(8)), "repeat");
  assert.equal(position.judge(payload(3)), "repeat");
  assert.equal(position.judge(payload(10)), "hole");
  assert.equal(position.seq, 8);
});

test("what has no place in the order passes: typing, snapshots, and notices that name another topic's position", () => {
  const position = positionAt(7);
  for (const passing of [{}, {at: 5, totals: {}}, {topic: "class:7", seq: 400}]) {
    assert.equal(position.judge(passing), "passing");
  }
  assert.equal(position.seq, 7);
});

test("a topic without positions passes everything, and joins without one again", () => {
  const position = new Position();
  assert.deepEqual(position.take({state: {at: 1}}), {resumed: false, events: []});
  assert.equal(position.judge({seq: 9, at: 1}), "passing");
  assert.deepEqual(position.params(), {});
});

test("a forgotten position is none", () => {
  const position = positionAt(7);
  position.forget();
  assert.deepEqual(position.params(), {});
  assert.equal(position.isKnown, false);
});
