/** A WebSocket is lost in mid-lesson, or falls silent: polls carry before people reload. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {HOLD_MS} from "../../static/client/route.js";
import {joinedClient, joinReply, MemoryStorage, passTime} from "./support/client.mjs";
import {connectingClient, pollingClient, status, steadyClient, transport} from "./support/routes.mjs";

const nearlyOne = () => 0.999999;

test("the other way, unsent pushes go over the poll under the same ids", () => {
  const client = steadyClient();
  const one = client.channel.send("message:send", {text: "one"});
  client.network.webSocket.lose();
  client.clock.advance(500 + 2000);
  client.network.poll.open();
  client.network.poll.reply("phx_join", joinReply({seq: 4}));
  assert.deepEqual(client.network.poll.push("message:send").payload, {text: "one", id: one.id});
});

test("a WebSocket that falls silent under a push is left for a poll in less than 6 s", () => {
  const client = steadyClient();
  const one = client.channel.send("message:send", {text: "one"});
  client.clock.advance(5499);
  assert.equal(client.network.polls.length, 0);
  client.clock.advance(1);
  client.network.poll.open();
  assert.equal(transport(client), "longpoll");
  client.network.poll.reply("phx_join", joinReply({seq: 4}));
  assert.deepEqual(client.network.poll.push("message:send").payload, {text: "one", id: one.id});
  assert.equal(client.network.webSocket.isClosed, true);
  client.clock.advance(1000);
  assert.equal(client.network.webSockets.length, 2, "the second look comes soon");
});

test("one that was killed and, when it was back, fell silent is blocked: that makes two", () => {
  const shared = new MemoryStorage();
  const client = joinedClient({seq: 4, shared});
  client.network.pollsFail = false;
  client.network.webSocket.lose();
  client.clock.advance(500);
  client.network.poll.open();
  client.clock.advance(1000);
  client.network.webSocket.open();
  passTime(client, 5000 + HOLD_MS);
  assert.deepEqual([transport(client), shared.length], ["websocket", 0]);
  client.page.wake();
  client.clock.advance(1500);
  client.network.poll.open();
  assert.deepEqual([transport(client), shared.length], ["longpoll", 1]);
});

test("unless it answers before the poll carries", () => {
  const client = steadyClient();
  client.channel.send("message:send", {text: "one"});
  client.clock.advance(5500);
  client.network.webSocket.answerHeartbeats();
  client.network.poll.open();
  assert.deepEqual([transport(client), client.network.poll.isClosed], ["websocket", true]);
});

test("a wake-up in a dead network looks for another way after a second and a half", () => {
  const client = steadyClient();
  client.page.wake();
  client.clock.advance(1500);
  client.network.poll.open();
  assert.equal(transport(client), "longpoll");
});

test("a WebSocket that is silent soon after it opened is left to its heartbeat: a server that restarts is slow", () => {
  const client = connectingClient();
  client.network.webSocket.open();
  client.page.wake();
  client.clock.advance(1500);
  assert.equal(client.network.polls.length, 0);
});

test("a wake-up makes a poll look as well", () => {
  const client = pollingClient();
  client.page.wake();
  assert.equal(client.network.poll.wakes, 1);
  assert.equal(client.network.poll.pushes("heartbeat").length > 0, true);
  client.clock.advance(4000);
  assert.equal(status(client), "reconnecting");
});

test("no heartbeats go over polls without a reason", () => {
  const client = pollingClient();
  const {length} = client.network.poll.pushes("heartbeat");
  client.clock.advance(600_000);
  assert.equal(client.network.poll.pushes("heartbeat").length, length);
  assert.equal(transport(client), "longpoll");
});

/** What each filter does to a WebSocket. */
const FILTERS = {
  refuse: ({network}) => network.webSocket.lose(),
  hang: () => {},
  swallow: ({network}) => network.webSocket.accept(),
  kill: ({network, clock}) => {
    network.webSocket.open();
    clock.after(500, () => network.webSocket.isClosed || network.webSocket.lose());
  },
};
/** Round trips of a slow network until a message is there again: the session, the join and its reply, the message. */
const SLOW_TRIPS_MS = 1000;

for (const [mode, block] of Object.entries(FILTERS)) {
  for (const random of [() => 0, () => 0.5, nearlyOne]) {
    test(`a WebSocket dies in mid-lesson and its filter goes on to ${mode}: polls carry within 5 s, jitter ${random()}`, () => {
      const client = steadyClient({random});
      client.network.webSocket.lose();
      const lostAt = client.clock.now();
      let seen = client.network.webSockets.length;
      while (client.network.polls.length === 0) {
        if (client.network.webSockets.length > seen) block(client);
        seen = client.network.webSockets.length;
        client.clock.advance(10);
      }
      client.network.poll.open();
      assert.equal(transport(client), "longpoll");
      const took = client.clock.now() - lostAt;
      assert.equal(took + SLOW_TRIPS_MS < 5000, true, `${took} ms`);
    });
  }
}
