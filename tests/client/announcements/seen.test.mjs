import assert from "node:assert/strict";
import {test} from "node:test";

import {SeenAnnouncements} from "../../../static/announcements/seen.js";
import {MemoryStorage} from "../support/client.mjs";

function opened(storage, user = 17, epoch = "e1") {
  const seen = new SeenAnnouncements(storage, user);
  seen.open(epoch);
  return seen;
}

test("positions only grow, and the next page has them", () => {
  const storage = new MemoryStorage();
  const seen = opened(storage);
  seen.mark("class:7", 40);
  seen.mark("class:7", 30);
  assert.equal(opened(storage).upTo("class:7"), 40);
  assert.equal(opened(storage).upTo("class:8"), 0);
});

test("another user at the same computer begins anew", () => {
  const storage = new MemoryStorage();
  opened(storage).mark("class:7", 40);
  assert.equal(opened(storage, 18).upTo("class:7"), 0);
});

test("positions of another journal are forgotten", () => {
  const storage = new MemoryStorage();
  const seen = opened(storage);
  seen.mark("class:7", 40);
  seen.open("e2");
  assert.equal(seen.upTo("class:7"), 0);
  assert.equal(opened(storage, 17, "e2").upTo("class:7"), 0);
});

test("two tabs keep what either has seen", () => {
  const storage = new MemoryStorage();
  const [one, other] = [opened(storage), opened(storage)];
  one.mark("class:7", 40);
  other.mark("class:8", 3);
  one.reload();
  assert.deepEqual([one.upTo("class:7"), one.upTo("class:8")], [40, 3]);
});

for (const [words, storage] of [["without storage", null], ["with a full one", new MemoryStorage(5)]]) {
  test(`${words} it holds for the page`, () => {
    const seen = opened(storage);
    seen.mark("class:7", 40);
    assert.equal(seen.upTo("class:7"), 40);
  });
}

test("what is not ours in the storage is passed over", () => {
  const storage = new MemoryStorage();
  storage.setItem("lousa.announcements-seen", "{");
  assert.equal(opened(storage).upTo("class:7"), 0);
});
