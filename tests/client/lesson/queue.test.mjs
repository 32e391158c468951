/** The queue of hands folds as the server's does. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {Queue} from "../../../static/lesson/queue.js";

/** @param {Queue} queue @param {...number} users */
function raise(queue, ...users) {
  for (const user of users) queue.raised({user, author: {name: `U${user}`}, seq: user, at: user});
}

test("a hand that is up keeps its place", () => {
  const queue = new Queue();
  raise(queue, 1, 2, 1);
  assert.deepEqual(queue.hands.map(({user}) => user), [1, 2]);
  assert.equal(queue.placeOf(2), 2);
  assert.equal(queue.placeOf(3), 0);
});

test("who is called leaves the queue until they are done", () => {
  const queue = new Queue();
  raise(queue, 1, 2);
  queue.calledOne({user: 1, name: "U1", seq: 3, at: 3});
  assert.deepEqual(queue.hands.map(({user}) => user), [2]);
  assert.equal(queue.called?.name, "U1");
  queue.lowered({user: 1});
  assert.equal(queue.called, null);
});

test("a join and a clearing replace all", () => {
  const queue = new Queue();
  raise(queue, 1);
  queue.join({hands: [{user: 5, name: "U5", seq: 9, at: 9}], called: null});
  assert.equal(queue.placeOf(5), 1);
  queue.cleared();
  assert.deepEqual(queue.hands, []);
});
