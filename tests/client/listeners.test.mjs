import assert from "node:assert/strict";
import {test} from "node:test";

import {Listeners} from "../../static/client/listeners.js";

test("all listeners are called, in the order in which they were added", () => {
  const listeners = new Listeners();
  const calls = [];
  listeners.add((value) => calls.push(`first ${value}`));
  listeners.add((value) => calls.push(`second ${value}`));
  listeners.emit(7);
  assert.deepEqual(calls, ["first 7", "second 7"]);
});

test("one that was taken away is not called, even if that happens while the others are", () => {
  const listeners = new Listeners();
  const calls = [];
  listeners.add(() => removeSecond());
  const removeSecond = listeners.add(() => calls.push("second"));
  listeners.emit();
  assert.deepEqual(calls, []);
});

test("the same function added twice is called twice, and taken away once", () => {
  const listeners = new Listeners();
  const calls = [];
  const listener = () => calls.push("called");
  const remove = listeners.add(listener);
  listeners.add(listener);
  remove();
  listeners.emit();
  assert.equal(calls.length, 1);
});

test("one that throws does not keep the others from being called, and its error is reported as uncaught", async () => {
  const listeners = new Listeners();
  const calls = [];
  listeners.add(() => {
    throw new Error("a page's mistake");
  });
  listeners.add(() => calls.push("second"));
  const reported = await uncaughtDuring(() => listeners.emit());
  assert.deepEqual(calls, ["second"]);
  assert.equal(reported.message, "a page's mistake");
});

/** The runner listens for uncaught errors too, and would fail the test. */
function uncaughtDuring(act) {
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  return new Promise((resolve) => {
    process.once("uncaughtException", resolve);
    act();
  }).finally(() => others.forEach((listener) => process.on("uncaughtException", listener)));
}
