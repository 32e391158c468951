import assert from "node:assert/strict";
import {test} from "node:test";

import {BlockMemory, MEMORY_MS} from "../../static/client/block_memory.js";
import {SECOND_LOOK_MS, STRIKE_MS, TRIAL_WINDOW_MS, Trust} from "../../static/client/trust.js";
import {MemoryStorage} from "./support/client.mjs";
import {HandClock} from "./support/hand_clock.mjs";

function newTrust({storage = new MemoryStorage(), clock = new HandClock(), random = () => 0.5} = {}) {
  const blockMemory = new BlockMemory(storage, clock, () => "unknown");
  return {clock, storage, blockMemory, trust: new Trust({clock, random, blockMemory})};
}

function blockedTrust(options) {
  const all = newTrust(options);
  all.trust.strike(2);
  all.trust.judge();
  return all;
}

test("it begins with trust", () => {
  assert.equal(newTrust().trust.prefersPoll, false);
});

test("one strike is a doubt, which a minute takes away; the second look comes soon", () => {
  const {trust, blockMemory, clock} = newTrust();
  trust.strike();
  trust.judge();
  assert.deepEqual([trust.prefersPoll, blockMemory.until], [true, null]);
  assert.equal(trust.trialIn(), SECOND_LOOK_MS / 2);
  clock.advance(STRIKE_MS);
  assert.equal(trust.prefersPoll, false);
});

test("two strikes within a minute block for an hour; then, after some jitter, a WebSocket is tried", () => {
  const {trust, blockMemory, clock} = newTrust();
  trust.strike();
  clock.advance(STRIKE_MS - 1);
  trust.strike();
  trust.judge();
  assert.equal(blockMemory.until, clock.now() + MEMORY_MS);
  assert.equal(trust.prefersPoll, true);
  assert.equal(trust.trialIn(), MEMORY_MS + TRIAL_WINDOW_MS / 2);
  clock.advance(MEMORY_MS);
  assert.equal(trust.prefersPoll, false);
});

test("two strikes that lie further apart do not", () => {
  const {trust, blockMemory, clock} = newTrust();
  trust.strike();
  clock.advance(STRIKE_MS);
  trust.strike();
  trust.judge();
  assert.equal(blockMemory.until, null);
});

test("strikes count only if polls work: where nothing works they are forgotten", () => {
  for (const nothingWorks of [(trust) => trust.acquit(), (trust) => trust.pollFailed()]) {
    const {trust, blockMemory} = newTrust();
    trust.strike(2);
    nothingWorks(trust);
    trust.judge();
    assert.deepEqual([trust.prefersPoll, blockMemory.until], [false, null]);
  }
});

test("the next page knows what this one has found out", () => {
  const {storage, clock} = blockedTrust();
  const next = newTrust({storage, clock}).trust;
  assert.equal(next.prefersPoll, true);
  clock.advance(60_000);
  assert.equal(next.trialIn(), MEMORY_MS - 60_000 + TRIAL_WINDOW_MS / 2);
});

test("a WebSocket that holds takes the block away", () => {
  const {trust} = blockedTrust();
  trust.held();
  assert.equal(trust.prefersPoll, false);
});

test("one that holds for some seconds and is then killed, twice in a minute, is blocked all the same", () => {
  const {trust, blockMemory} = newTrust();
  for (let time = 0; time < 2; time += 1) {
    trust.held();
    trust.strike();
    trust.judge();
  }
  assert.notEqual(blockMemory.until, null);
});

test("on another network a WebSocket is tried soon, and polls are preferred until it has held", () => {
  const {trust} = blockedTrust();
  trust.networkChanged();
  assert.equal(trust.trialIn(), SECOND_LOOK_MS / 2);
  assert.equal(trust.prefersPoll, true);
});

test("two strikes on the other network block for another hour", () => {
  const {trust, clock, blockMemory} = blockedTrust();
  clock.advance(60_000);
  trust.networkChanged();
  trust.strike(2);
  trust.judge();
  assert.equal(blockMemory.until, clock.now() + MEMORY_MS);
  assert.equal(trust.trialIn(), MEMORY_MS + TRIAL_WINDOW_MS / 2);
});

test("polls that fail three times in a row show that the block helps nobody", () => {
  const {trust} = blockedTrust();
  trust.pollFailed();
  trust.pollFailed();
  trust.pollHeld();
  trust.pollFailed();
  trust.pollFailed();
  assert.equal(trust.prefersPoll, true);
  trust.pollFailed();
  assert.equal(trust.prefersPoll, false);
});
