import assert from "node:assert/strict";
import {test} from "node:test";

import {Heartbeat} from "../../static/client/heartbeat.js";
import {HandClock} from "./support/hand_clock.mjs";

function newHeartbeat(intervalMs) {
  const clock = new HandClock();
  const counts = {beats: 0, silences: 0, deaths: 0};
  const owner = {dead: () => (counts.deaths += 1), silent: () => (counts.silences += 1)};
  const heartbeat = new Heartbeat(clock, () => (counts.beats += 1), owner, intervalMs);
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
  assert.deepEqual(counts, {beats: 1, silences: 0, deaths: 1});
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

test("a probe that is not answered at once tells of the silence, until something arrives", () => {
  const {clock, counts, heartbeat} = newHeartbeat();
  heartbeat.probe();
  clock.advance(1499);
  assert.deepEqual([counts.silences, heartbeat.isSilent], [0, false]);
  clock.advance(1);
  assert.deepEqual([counts.silences, heartbeat.isSilent], [1, true]);
  heartbeat.heard();
  assert.equal(heartbeat.isSilent, false);
  clock.advance(29_999);
  assert.deepEqual(counts, {beats: 1, silences: 1, deaths: 0});
});

test("a probe while a beat is under way sends no second one, but waits less long for its answer", () => {
  const {clock, counts, heartbeat} = newHeartbeat();
  clock.advance(30_000 + 2000);
  heartbeat.probe();
  clock.advance(1000);
  heartbeat.probe();
  clock.advance(3000);
  assert.deepEqual(counts, {beats: 1, silences: 1, deaths: 1});
});

test("without an interval only probes beat", () => {
  const {clock, counts, heartbeat} = newHeartbeat(Infinity);
  clock.advance(600_000);
  assert.equal(counts.beats, 0);
  for (let probe = 1; probe <= 2; probe += 1) {
    heartbeat.probe();
    heartbeat.heard();
    clock.advance(600_000);
    assert.deepEqual(counts, {beats: probe, silences: 0, deaths: 0});
  }
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
  heartbeat.probe();
  heartbeat.stop();
  heartbeat.heard();
  clock.advance(600_000);
  assert.deepEqual(counts, {beats: 1, silences: 0, deaths: 0});
});
