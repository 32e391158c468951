import assert from "node:assert/strict";
import {test} from "node:test";

import {BlockMemory, MEMORY_MS} from "../../static/client/block_memory.js";
import {MemoryStorage} from "./support/client.mjs";
import {HandClock} from "./support/hand_clock.mjs";

function newMemory(storage = new MemoryStorage(), clock = new HandClock()) {
  const network = {type: "wifi"};
  return {clock, network, storage, memory: new BlockMemory(storage, clock, () => network.type)};
}

test("it remembers for an hour, then it has forgotten", () => {
  const {memory, clock} = newMemory();
  assert.equal(memory.until, null);
  memory.remember();
  assert.equal(memory.until, clock.now() + MEMORY_MS);
  clock.advance(MEMORY_MS - 1);
  assert.notEqual(memory.until, null);
  clock.advance(1);
  assert.equal(memory.until, null);
});

test("the next page remembers, and what one page forgets all have forgotten", () => {
  const {memory, storage, clock} = newMemory();
  const next = newMemory(storage, clock).memory;
  memory.remember();
  assert.equal(next.until, clock.now() + MEMORY_MS);
  next.forget();
  assert.equal(memory.until, null);
});

test("each type of network is remembered apart", () => {
  const {memory, network} = newMemory();
  memory.remember();
  network.type = "cellular";
  assert.equal(memory.until, null);
  network.type = "wifi";
  assert.notEqual(memory.until, null);
});

test("a clock that is put back does not make an hour a year", () => {
  const {memory, storage, clock} = newMemory();
  storage.setItem("lousa:websocket-blocked:wifi", String(clock.now() + 1000 * MEMORY_MS));
  assert.equal(memory.until, null);
});

for (const nonsense of ["", "yes", "NaN", "-1", "{}", "Infinity"]) {
  test(`${JSON.stringify(nonsense)} in the storage is nothing`, () => {
    const {memory, storage} = newMemory();
    storage.setItem("lousa:websocket-blocked:wifi", nonsense);
    assert.equal(memory.until, null);
  });
}

const throwing = {
  getItem: () => { throw new DOMException("denied", "SecurityError"); },
  setItem: () => { throw new DOMException("denied", "SecurityError"); },
  removeItem: () => { throw new DOMException("denied", "SecurityError"); },
};
const storages = {"there is no storage": null, "storage throws": throwing, "storage is full": new MemoryStorage(0)};
for (const [situation, storage] of Object.entries(storages)) {
  test(`where ${situation} this page remembers alone`, () => {
    const {memory, clock} = newMemory(storage);
    memory.remember();
    assert.equal(memory.until, clock.now() + MEMORY_MS);
    memory.forget();
    assert.equal(memory.until, null);
  });
}
