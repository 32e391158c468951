import assert from "node:assert/strict";
import {test} from "node:test";

import {MAX_BYTES, MAX_LINES, PostQueue} from "../../static/client/post_queue.js";
import {HandClock} from "./support/hand_clock.mjs";

function newQueue() {
  const clock = new HandClock();
  const posts = [];
  const failures = [];
  const send = (body, timeoutMs, answered) => {
    const post = {lines: body.split("\n"), body, timeoutMs, answered, isTakenBack: false};
    posts.push(post);
    return () => (post.isTakenBack = true);
  };
  const queue = new PostQueue({clock, random: () => 0.5}, send, (answer) => failures.push(answer));
  return {clock, posts, failures, queue};
}

test("one post is under way at a time, and the next has all that came meanwhile", () => {
  const {clock, posts, queue} = newQueue();
  queue.add("[1]");
  clock.advance(0);
  for (const text of ["[2]", "[3]", "[4]"]) queue.add(text);
  clock.advance(5000);
  assert.deepEqual(posts.map(({lines}) => lines), [["[1]"]]);
  posts[0].answered({status: 200});
  assert.deepEqual(posts[1].lines, ["[2]", "[3]", "[4]"]);
  posts[1].answered({status: 200});
  assert.equal(posts.length, 2);
  queue.add("[5]");
  clock.advance(0);
  assert.deepEqual(posts[2].lines, ["[5]"]);
});

test("a post has no more lines than it may, and none is lost or out of order", () => {
  const {clock, posts, queue} = newQueue();
  const texts = Array.from({length: 2 * MAX_LINES + 1}, (_, index) => `[${index}]`);
  for (const text of texts) queue.add(text);
  clock.advance(0);
  for (let post = 0; post < 3; post += 1) posts[post].answered({status: 200});
  assert.deepEqual(posts.map(({lines}) => lines.length), [MAX_LINES, MAX_LINES, 1]);
  assert.deepEqual(posts.flatMap(({lines}) => lines), texts);
});

test("nor more bytes, however many bytes a character has", () => {
  const {clock, posts, queue} = newQueue();
  for (let count = 0; count < 5; count += 1) queue.add("ã".repeat(30_000));
  clock.advance(0);
  for (let post = 0; post < 3; post += 1) posts[post].answered({status: 200});
  assert.deepEqual(posts.map(({lines}) => lines.length), [2, 2, 1]);
  assert.equal(posts.every(({body}) => new TextEncoder().encode(body).length <= MAX_BYTES), true);
});

test("a post that is not answered with 200 is told, and nothing is sent after it", () => {
  const {clock, posts, failures, queue} = newQueue();
  queue.add("[1]");
  clock.advance(0);
  queue.add("[2]");
  posts[0].answered({status: 410});
  queue.stop();
  queue.add("[3]");
  clock.advance(1000);
  assert.deepEqual(failures, [{status: 410}]);
  assert.equal(posts.length, 1);
});

test("a post that the server could not take is sent again, unchanged and before all others, when it says and later", () => {
  const {clock, posts, failures, queue} = newQueue();
  queue.add("[1]");
  clock.advance(0);
  queue.add("[2]");
  for (const [index, wait] of [1500, 2000, 3000].entries()) {
    posts[index].answered({status: 503, retry_after: 1000});
    clock.advance(wait - 1);
    assert.equal(posts.length, index + 1);
    clock.advance(1);
    assert.deepEqual(posts[index + 1].lines, ["[1]"]);
  }
  posts[3].answered({status: 200});
  assert.deepEqual(posts[4].lines, ["[2]"]);
  assert.deepEqual(failures, []);
});

test("stopped, it takes back what is under way and what was about to go", () => {
  const under = newQueue();
  under.queue.add("[1]");
  under.clock.advance(0);
  under.queue.stop();
  assert.equal(under.posts[0].isTakenBack, true);
  const later = newQueue();
  later.queue.add("[1]");
  later.clock.advance(0);
  later.posts[0].answered({status: 503});
  later.queue.stop();
  assert.equal(later.clock.timers, 0);
  const about = newQueue();
  about.queue.add("[1]");
  about.queue.stop();
  about.clock.advance(1000);
  assert.equal(about.posts.length, 0);
});
