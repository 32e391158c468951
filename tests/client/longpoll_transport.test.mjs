import assert from "node:assert/strict";
import {test} from "node:test";

import {LongPollTransport} from "../../static/client/longpoll_transport.js";
import {HandClock} from "./support/hand_clock.mjs";
import {HandRequests} from "./support/hand_requests.mjs";

function openingTransport() {
  const clock = new HandClock();
  const requests = new HandRequests(clock);
  const calls = [];
  const owner = {
    opened: () => calls.push("opened"),
    received: (text) => calls.push(text),
    closed: (...end) => calls.push(end),
  };
  const parts = {sendRequest: requests.send, clock, random: () => 0.5};
  const transport = new LongPollTransport("/students/socket", owner, parts);
  return {clock, requests, calls, owner, transport};
}

/** Return a transport that is open, with the poll for T1 out. */
function openTransport() {
  const client = openingTransport();
  client.requests.poll.answer({status: 410, token: "T1", messages: []});
  client.calls.length = 0;
  return client;
}

const frames = (token, ...messages) => ({status: 200, token, messages});
const nothing = (token) => ({status: 204, token, messages: []});
const gone = (end = {}) => ({status: 410, token: null, messages: [], ...end});

test("it asks for a session without a token, is open when it has one, and polls with it", () => {
  const {requests, calls} = openingTransport();
  assert.equal(requests.poll.path, "/students/socket/longpoll?vsn=2.0.0");
  assert.deepEqual(requests.poll.headers, {});
  requests.poll.answer({status: 410, token: "T1", messages: []});
  assert.deepEqual(calls, ["opened"]);
  assert.deepEqual(requests.poll.headers, {"X-Phoenix-Longpoll-Token": "T1"});
});

test("frames are handed over in order, and the next poll acknowledges them with the new token", () => {
  const {requests, calls} = openTransport();
  requests.poll.answer(frames("T2", "one", "two"));
  requests.poll.answer(frames("T3", "three"));
  assert.deepEqual(calls, ["one", "two", "three"]);
  assert.equal(requests.poll.token, "T3");
});

test("a poll that brought nothing in its time is followed by the next at once", () => {
  const {clock, requests, calls} = openTransport();
  clock.advance(10_000);
  requests.poll.answer(nothing("T1"));
  assert.equal(requests.poll.token, "T1");
  assert.deepEqual(calls, []);
});

test("one that brought nothing at once is followed by the next after a while: it might go on so", () => {
  const {clock, requests} = openTransport();
  for (const wait of [500, 1000, 2000]) {
    requests.poll.answer(nothing("T1"));
    const polls = requests.gets.length;
    clock.advance(wait - 1);
    assert.equal(requests.gets.length, polls);
    clock.advance(1);
    assert.equal(requests.gets.length, polls + 1);
  }
});

const lostAnswers = {
  "no answer, or none of ours": null,
  "a status that we do not know": {status: 502},
  "no token": {status: 200, messages: []},
  "no messages": {status: 200, token: "T2"},
  "messages that are not text": {status: 200, token: "T2", messages: [["1"]]},
};
for (const [kind, answer] of Object.entries(lostAnswers)) {
  test(`${kind}: the same token is asked for again, after a random part of the window`, () => {
    const {clock, requests, calls} = openTransport();
    requests.poll.answer(answer);
    clock.advance(499);
    assert.equal(requests.gets.length, 2);
    clock.advance(1);
    assert.equal(requests.poll.token, "T1");
    requests.poll.answer(frames("T2", "one"));
    assert.deepEqual(calls, ["one"]);
  });
}

test("a poll that is not answered 3 s after its time is repeated before the server forgets the session", () => {
  const {clock, requests} = openTransport();
  clock.advance(13_000);
  assert.equal(requests.gets.at(-1).isOver, true);
  clock.advance(500);
  assert.equal(requests.poll.token, "T1");
});

test("each loss in a row widens the window, an answer narrows it again", () => {
  const {clock, requests} = openTransport();
  const waitForPoll = () => {
    const before = {polls: requests.gets.length, at: clock.now()};
    while (requests.gets.length === before.polls) clock.advance(100);
    return clock.now() - before.at;
  };
  const loseOne = () => {
    requests.poll.answer(null);
    return waitForPoll();
  };
  assert.deepEqual([loseOne(), loseOne(), loseOne(), loseOne()], [500, 1000, 2000, 2000]);
  requests.poll.answer(frames("T2", "one"));
  assert.equal(loseOne(), 500);
});

test("polls that fail for 15 s close it", () => {
  const {clock, requests, calls} = openTransport();
  requests.poll.answer(null);
  for (let passed = 0; passed < 14_999; passed += 1) {
    clock.advance(1);
    const last = requests.gets.at(-1);
    if (!last.isOver) last.answer(null);
  }
  assert.deepEqual(calls, []);
  clock.advance(1);
  requests.poll.answer(null);
  assert.deepEqual(calls, [[1006, 0]]);
});

test("so do polls that nobody answers", () => {
  const {clock, calls} = openTransport();
  clock.advance(13_000 + 14_999);
  assert.deepEqual(calls, []);
  clock.advance(1);
  assert.deepEqual(calls, [[1006, 0]]);
});

test("an answer in between begins that time anew", () => {
  const {clock, requests, calls} = openTransport();
  for (let round = 0; round < 10; round += 1) {
    requests.poll.answer(null);
    clock.advance(500);
    clock.advance(10_000);
    requests.poll.answer(nothing("T1"));
  }
  assert.deepEqual(calls, []);
});

const endings = [
  ["is gone without a word", gone(), [1006, 0]],
  ["was ended by a restart", gone({code: 1012, reason: "restarting", retry_after: 3000}), [1012, 3000]],
  ["was ended by signing out", gone({code: 4001}), [4001, 0]],
  ["is refused", {status: 403}, [1008, 0]],
  ["cannot be served now", {status: 500, code: "overloaded", retry_after: 2000}, [1013, 2000]],
  ["is gone with nonsense about it", gone({code: "x", retry_after: "soon"}), [1006, 0]],
];
for (const [kind, answer, end] of endings) {
  test(`a session that ${kind} closes it with ${end}`, () => {
    const {requests, calls} = openTransport();
    requests.poll.answer(answer);
    assert.deepEqual(calls, [end]);
  });
}

test("an attempt that is refused says so", () => {
  const {requests, calls} = openingTransport();
  requests.poll.answer({status: 403});
  assert.deepEqual(calls, [[1008, 0]]);
});

test("an attempt that is not now welcome says for how long", () => {
  const {requests, calls} = openingTransport();
  requests.poll.answer({status: 500, code: "unavailable", retry_after: 4000});
  assert.deepEqual(calls, [[1013, 4000]]);
});

test("an attempt without an answer has failed: there is no session to ask again for", () => {
  const {requests, calls, clock} = openingTransport();
  requests.poll.answer(null);
  assert.deepEqual(calls, [[1006, 0]]);
  assert.equal(clock.timers, 0);
});

test("what is sent in one moment goes in one post, a frame a line", () => {
  const {clock, requests, transport} = openTransport();
  transport.send("[1]");
  transport.send("[2]");
  assert.equal(requests.posts.length, 0);
  clock.advance(0);
  const [post] = requests.posts;
  assert.deepEqual(post.lines, ["[1]", "[2]"]);
  assert.deepEqual(post.headers, {"X-Phoenix-Longpoll-Token": "T1", "Content-Type": "application/x-ndjson"});
});

test("a post has the newest token, which polls bring while it waits", () => {
  const {clock, requests, transport} = openTransport();
  transport.send("[1]");
  clock.advance(0);
  transport.send("[2]");
  requests.poll.answer(frames("T2", "one"));
  requests.posts[0].answer({status: 200});
  assert.equal(requests.posts[1].token, "T2");
});

for (const answer of [null, {status: 408}, {status: 413}, {status: 200.5}]) {
  test(`a post that ends with ${JSON.stringify(answer)} closes it: none may overtake what was in it`, () => {
    const {clock, requests, calls, transport} = openTransport();
    transport.send("[1]");
    clock.advance(0);
    transport.send("[2]");
    requests.posts[0].answer(answer);
    assert.deepEqual(calls, [[1006, 0]]);
    assert.equal(requests.posts.length, 1);
    assert.equal(requests.of("DELETE").length, 1);
  });
}

test("a post to a session that the server has ended tells why", () => {
  const {clock, requests, calls, transport} = openTransport();
  transport.send("[1]");
  clock.advance(0);
  requests.posts[0].answer({status: 410, code: 4009, reason: "no heartbeat"});
  assert.deepEqual(calls, [[4009, 0]]);
  assert.equal(requests.of("DELETE").length, 0);
});

test("a wake-up polls anew with the same token, whether the poll waits for its answer or for its time", () => {
  const {clock, requests, transport} = openTransport();
  const first = requests.poll;
  transport.wake();
  assert.equal(first.isTakenBack, true);
  assert.equal(requests.poll.token, "T1");
  requests.poll.answer(null);
  transport.wake();
  requests.poll.answer(frames("T2"));
  clock.advance(600_000);
});

test("a wake-up while it opens asks anew for a session, unless it has only just done so", () => {
  const {clock, requests, calls, transport} = openingTransport();
  clock.advance(999);
  transport.wake();
  assert.equal(requests.gets.length, 1);
  clock.advance(1);
  transport.wake();
  transport.wake();
  assert.equal(requests.gets.length, 2);
  requests.poll.answer({status: 410, token: "T1", messages: []});
  assert.deepEqual(calls, ["opened"]);
});

test("closing takes back what is under way, says farewell, and receives nothing more", () => {
  const {clock, requests, calls, transport} = openTransport();
  transport.send("[1]");
  clock.advance(0);
  transport.close();
  assert.deepEqual(requests.all.map(({method, isTakenBack}) => [method, isTakenBack]),
    [["GET", false], ["GET", true], ["POST", true], ["DELETE", false]]);
  const [farewell] = requests.of("DELETE");
  assert.deepEqual([farewell.token, farewell.keepalive], ["T1", true]);
  farewell.answer({status: 200});
  transport.close();
  transport.wake();
  clock.advance(600_000);
  assert.equal(requests.all.length, 4);
  assert.deepEqual(calls, []);
});

test("closing while it opens has nobody to say farewell to", () => {
  const {requests, transport, clock} = openingTransport();
  transport.close();
  assert.equal(requests.all.length, 1);
  assert.equal(clock.timers, 0);
});

test("closed while it hands over a frame, it hands over no more and polls no more", () => {
  const client = openTransport();
  client.owner.received = (text) => {
    client.calls.push(text);
    client.transport.close();
  };
  client.requests.poll.answer(frames("T2", "one", "two"));
  assert.deepEqual(client.calls, ["one"]);
  assert.equal(client.requests.gets.length, 2);
});

test("closed by its own opened listener, it does not poll", () => {
  const client = openingTransport();
  client.owner.opened = () => client.transport.close();
  client.requests.poll.answer({status: 410, token: "T1", messages: []});
  assert.deepEqual(client.requests.all.map(({method}) => method), ["GET", "DELETE"]);
});
