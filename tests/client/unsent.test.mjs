import assert from "node:assert/strict";
import {test} from "node:test";

import {forgetUnsent, UnsentStore} from "../../static/client/unsent.js";
import {MemoryStorage} from "./support/client.mjs";

const unsent = (id, text = "text") => ({id, event: "message:send", payload: {text}});

test("what is saved is loaded by another page of the same user", () => {
  const storage = new MemoryStorage();
  new UnsentStore(storage, "17").save("class:7", [unsent("a"), unsent("b")]);
  assert.deepEqual(new UnsentStore(storage, "17").load("class:7"), [unsent("a"), unsent("b")]);
});

test("topics are kept apart", () => {
  const store = new UnsentStore(new MemoryStorage(), "17");
  store.save("class:7", [unsent("a")]);
  assert.deepEqual(store.load("class:70"), []);
});

test("another user at the same computer finds nothing, and empties it", () => {
  const storage = new MemoryStorage();
  new UnsentStore(storage, "17").save("class:7", [unsent("a")]);
  assert.deepEqual(new UnsentStore(storage, "1").load("class:7"), []);
  assert.equal(storage.length, 0);
});

test("forgetting leaves what is not ours", () => {
  const storage = new MemoryStorage();
  storage.setItem("other", "kept");
  const store = new UnsentStore(storage, "17");
  store.save("class:7", [unsent("a")]);
  store.save("school", [unsent("b")]);
  forgetUnsent(storage);
  assert.deepEqual([storage.length, storage.getItem("other")], [1, "kept"]);
});

test("an empty list takes no room", () => {
  const storage = new MemoryStorage();
  const store = new UnsentStore(storage, "17");
  store.save("class:7", [unsent("a")]);
  store.save("class:7", []);
  assert.equal(storage.length, 0);
});

test("of too much the oldest are kept, as many as fit", () => {
  const store = new UnsentStore(new MemoryStorage(), "17");
  const many = Array.from({length: 100}, (_, index) => unsent(`id-${index}`, "x".repeat(4000)));
  store.save("class:7", many);
  const kept = store.load("class:7");
  assert.equal(kept.length > 55 && kept.length < 65, true, `${kept.length} kept`);
  assert.deepEqual(kept, many.slice(0, kept.length));
});

test("storage that is full loses nothing but the reload", () => {
  const storage = new MemoryStorage(20);
  const store = new UnsentStore(storage, "17");
  store.save("class:7", [unsent("a")]);
  assert.deepEqual(store.load("class:7"), []);
});

for (const value of ["{", "{}", "null", "7", ""]) {
  test(`${value || "nothing"} in the storage is not taken for pushes`, () => {
    const storage = new MemoryStorage();
    const store = new UnsentStore(storage, "17");
    storage.setItem("lousa:unsent:17:class:7", value);
    assert.deepEqual(store.load("class:7"), []);
  });
}

test("without storage nothing is kept, and nothing fails", () => {
  const store = new UnsentStore(null, "17");
  store.save("class:7", [unsent("a")]);
  store.clear();
  assert.deepEqual(store.load("class:7"), []);
});
