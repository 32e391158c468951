import assert from "node:assert/strict";
import {test} from "node:test";

import {Heartbeat} from "../../static/client/heartbeat.js";
import {HandClock} from "./support/hand_clock.mjs";

function newHeartbeat() {
  const clock = new HandClock();
  const counts = {beats: 0, deaths: 0};
  const heartbeat = new Heartbeat(clock, () => (counts.beats += 1), () => (counts.deaths += 1));
  heartbeat.start();
  return {clock, counts, heartbeat};
}

test("a beat goes out each 30 s as long as the last was answered", () => {
  const {clock, counts, heartbeat} = newHeartbeat();
  for (let beat = 1; beat <= 5; beat += 1) {
    clock.advance(29_999);
    assert.equal(counts.beats, beat - 1);
    clock.advance(1);
    assert.equal(counts.beats, beat);
    heartbeat.heard();
  }
  assert.equal(counts.deaths, 0);
});

test("a beat that is not answered within 10 s means that the connection is dead", () => {
  const {clock, counts} = newHeartbeat();
  clock.advance(30_000 + 9999);
  assert.equal(counts.deaths, 0);
  clock.advance(1);
  assert.equal(counts.deaths, 1);
  clock.advance(600_000);
  assert.deepEqual(counts, {beats: 1, deaths: 1});
});

test("what arrives between beats does not put the next one off: the server wants to hear from us", () => {
  const {clock, counts, heartbeat} = newHeartbeat();
  for (let second = 0; second < 30; second += 1) {
    heartbeat.heard();
    clock.advance(1000);
  }
  assert.equal(counts.beats, 1);
});

test("a probe beats at once, and waits for its answer 4 s only", () => {
  const {clock, counts, heartbeat} = newHeartbeat();
  clock.advance(5000);
  heartbeat.probe();
  assert.equal(counts.beats, 1);
  clock.advance(3999);
  assert.equal(counts.deaths, 0);
  clock.advance(1);
  assert.equal(counts.deaths, 1);
});

test("a probe while a beat is under way sends no second one", () => {
  const {clock, counts, heartbeat} = newHeartbeat();
  clock.advance(30_000);
  heartbeat.probe();
  heartbeat.probe();
  assert.equal(counts.beats, 1);
});

test("a page that was frozen while it waited gives the answer behind the late timer a moment to be read", () => {
  const {clock, counts, heartbeat} = newHeartbeat();
  clock.advance(30_000);
  clock.freeze(3_600_000);
  clock.advance(0);
  assert.equal(counts.deaths, 0);
  heartbeat.heard();
  clock.advance(10_000);
  assert.equal(counts.deaths, 0);
});

test("and takes the connection for dead when there is none", () => {
  const {clock, counts} = newHeartbeat();
  clock.advance(30_000);
  clock.freeze(3_600_000);
  clock.advance(1000);
  assert.equal(counts.deaths, 1);
});

test("once stopped it is silent", () => {
  const {clock, counts, heartbeat} = newHeartbeat();
  heartbeat.stop();
  clock.advance(600_000);
  assert.deepEqual(counts, {beats: 0, deaths: 0});
});
