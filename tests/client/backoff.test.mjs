import assert from "node:assert/strict";
import {test} from "node:test";

import {Backoff, FIRST_WINDOW_MS, WIDEST_WINDOW_MS} from "../../static/client/backoff.js";

const nearlyOne = () => 0.999999;

test("windows double from the first to the widest, and stay there", () => {
  const backoff = new Backoff(nearlyOne);
  const windows = Array.from({length: 8}, () => backoff.next() + 1);
  assert.deepEqual(windows, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.deepEqual([FIRST_WINDOW_MS, WIDEST_WINDOW_MS], [1000, 30_000]);
});

test("the jitter is full: anything from nothing to the window", () => {
  const fractions = [0, 0.25, 0.5];
  const backoff = new Backoff(() => fractions.shift());
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [0, 500, 2000]);
});

test("a reset begins again at the first window", () => {
  const backoff = new Backoff(nearlyOne);
  assert.equal(backoff.isFresh, true);
  backoff.next();
  backoff.next();
  assert.equal(backoff.isFresh, false);
  backoff.reset();
  assert.equal(backoff.isFresh, true);
  assert.equal(backoff.next(), FIRST_WINDOW_MS - 1);
});

test("the window stays finite after any number of failures", () => {
  const backoff = new Backoff(nearlyOne);
  for (let failure = 0; failure < 5000; failure += 1) backoff.next();
  assert.equal(backoff.next(), WIDEST_WINDOW_MS - 1);
});

test("the widest window may be another", () => {
  const backoff = new Backoff(nearlyOne, 3000);
  assert.deepEqual(Array.from({length: 4}, () => backoff.next() + 1), [1000, 2000, 3000, 3000]);
});
