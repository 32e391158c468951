/** A WebSocket is tried beside a working poll, and takes over. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {MEMORY_MS} from "../../static/client/block_memory.js";
import {joinedClient, joinReply, MemoryStorage, message, newClient, passTime} from "./support/client.mjs";
import {connectingClient, passPolling, pollingClient, status, transport} from "./support/routes.mjs";

/** Wait until a WebSocket is tried, about an hour after the last one. */
function waitForTrial({clock, network}) {
  const {length} = network.webSockets;
  clock.advance(MEMORY_MS - 30_000);
  assert.equal(network.webSockets.length, length);
  while (network.webSockets.length === length) clock.advance(1000);
}

test("after the hour a WebSocket is tried beside the poll; one that holds takes over after 5 s", () => {
  const client = pollingClient();
  const {poll} = client.network;
  waitForTrial(client);
  client.network.webSocket.open();
  client.clock.advance(4999);
  assert.deepEqual([transport(client), poll.isClosed], ["longpoll", false]);
  client.clock.advance(1);
  assert.deepEqual([transport(client), poll.isClosed], ["websocket", true]);
  assert.equal(status(client), "online");
});

test("a trial that fails leaves the poll as it is, and the next one comes an hour later", () => {
  const client = pollingClient();
  for (let trial = 1; trial <= 3; trial += 1) {
    waitForTrial(client);
    passPolling(client, 20_000); // it hangs
  }
  assert.deepEqual([transport(client), client.network.polls.length], ["longpoll", 1]);
});

test("a trial that is killed before it has held does not touch the poll either", () => {
  const client = pollingClient();
  waitForTrial(client);
  client.network.webSocket.open();
  client.clock.advance(4000);
  client.network.webSocket.lose();
  client.network.poll.answerHeartbeats();
  client.clock.advance(10_000);
  assert.deepEqual([transport(client), client.network.polls.length], ["longpoll", 1]);
});

test("once a WebSocket has held the block is forgotten", () => {
  const shared = new MemoryStorage();
  const client = pollingClient({shared});
  assert.equal(shared.length, 1);
  client.page.changeNetwork();
  client.clock.advance(1000);
  client.network.webSocket.open();
  client.clock.advance(5000);
  assert.equal(shared.length, 0);
});

test("on another network a WebSocket is tried soon, beside the poll", () => {
  const client = pollingClient();
  client.page.changeNetwork();
  client.clock.advance(1000);
  assert.equal(client.network.webSockets.length, 2);
  assert.equal(transport(client), "longpoll");
});

test("a trial that is only slow takes over, and what it was suspected of is forgotten", () => {
  const shared = new MemoryStorage();
  const client = pollingClient({shared});
  const {poll} = client.network;
  waitForTrial(client);
  client.clock.advance(4500);
  client.network.webSocket.open();
  client.clock.advance(5000);
  poll.isClosed = false;
  poll.answerHeartbeats();
  client.clock.advance(20_000);
  assert.equal(transport(client), "websocket");
  assert.deepEqual([shared.length, client.network.webSockets.length], [0, 2]);
});

test("a network that changes while a trial is under way begins no second one", () => {
  const client = pollingClient();
  for (let change = 0; change < 10; change += 1) {
    client.page.changeNetwork();
    client.clock.advance(1000);
  }
  assert.equal(client.network.webSockets.length, 2);
});

test("another type of network has a memory of its own", () => {
  const shared = new MemoryStorage();
  const client = pollingClient({shared});
  const next = newClient({clock: client.clock, shared});
  next.page.networkType = "cellular";
  next.socket.connect();
  assert.equal(next.network.webSockets.length, 1);
});

test("a poll that is lost while a trial carries hands over to it at once", () => {
  const client = pollingClient();
  client.page.changeNetwork();
  client.clock.advance(1000);
  client.network.webSocket.open();
  client.network.poll.lose();
  assert.deepEqual([status(client), transport(client)], ["online", "websocket"]);
});

test("a poll that is lost while a trial hangs is made again", () => {
  const client = pollingClient();
  client.page.changeNetwork();
  client.clock.advance(1000);
  client.network.poll.lose();
  assert.equal(client.network.webSocket.isClosed, true);
  client.clock.advance(1000);
  assert.equal(client.network.polls.length, 2);
});

test("signing out ends a trial as well", () => {
  const client = pollingClient();
  client.page.changeNetwork();
  client.clock.advance(1000);
  client.network.webSocket.open();
  client.network.poll.lose(4001);
  assert.equal(status(client), "signed_out");
  assert.equal(client.network.webSocket.isClosed, true);
  assert.equal(client.clock.timers, 0);
});

test("disconnecting ends the poll, the trial, and all that was planned", () => {
  const client = pollingClient();
  client.page.changeNetwork();
  client.clock.advance(1000);
  client.socket.disconnect();
  assert.deepEqual([client.network.poll.isClosed, client.network.webSocket.isClosed], [true, true]);
  assert.equal(client.clock.timers, 0);
});

test("polls that cannot be had three times in a row bring back WebSockets", () => {
  const client = pollingClient();
  const losePoll = () => {
    client.network.poll.lose();
    client.clock.advance(client.socket.state.retryAt - client.clock.now());
  };
  losePoll();
  for (const heldMs of [0, 30_000, 0, 0]) {
    client.network.poll.open();
    client.clock.advance(heldMs);
    losePoll();
  }
  assert.equal(client.network.webSockets.length, 1);
  losePoll();
  assert.equal(client.network.webSockets.length, 2);
});

test("a page that disconnects when it learns that it is online stops everything", () => {
  for (const open of ["webSocket", "poll"]) {
    const client = connectingClient();
    client.socket.onState((state) => state.status === "online" && client.socket.disconnect());
    client.clock.advance(4000);
    client.network[open].open();
    assert.equal(status(client), "offline");
    assert.deepEqual([client.network.poll.isClosed, client.network.webSocket.isClosed], [true, true]);
    assert.equal(client.clock.timers, 0);
  }
});

/** A client that has joined over a poll, with its WebSocket on trial and carrying. */
function movingClient() {
  const client = joinedClient({seq: 4, shared: new MemoryStorage()});
  client.network.pollsFail = false;
  client.network.webSocket.lose();
  client.clock.advance(500);
  client.network.poll.open();
  client.network.poll.reply("phx_join", joinReply({seq: 4}));
  client.clock.advance(1000);
  client.network.webSocket.open();
  return client;
}

test("channels join over the new connection from where they are", () => {
  const client = movingClient();
  client.network.poll.broadcast("class:7", "message:sent", message(5).payload);
  client.clock.advance(5000);
  assert.deepEqual(client.network.webSocket.push("phx_join").payload, {present: true, since: 5, epoch: "e1"});
});

test("events that arrive on either connection during the move are neither lost nor doubled", () => {
  const client = movingClient();
  const {poll, webSocket} = client.network;
  const typing = [];
  client.channel.on("typing", ({of}) => typing.push(of));
  const say = (connection, seq) => connection.broadcast("class:7", "message:sent", message(seq).payload);
  const type = (of) => [poll, webSocket].forEach((each) => each.broadcast("class:7", "typing", {of}));
  say(poll, 5);
  say(webSocket, 5);
  type("ana");
  client.clock.advance(5000);
  poll.isClosed = false; // it goes on bringing what was on its way
  say(poll, 6);
  say(webSocket, 6);
  type("bruno");
  webSocket.reply("phx_join", joinReply({seq: 6, events: [message(6)]}));
  say(poll, 6);
  say(webSocket, 7);
  assert.deepEqual(client.seen.messages, [5, 7]);
  assert.deepEqual(typing, ["ana", "bruno"]);
  assert.deepEqual(client.seen.joins.at(-1).events, [message(6)]);
  assert.equal(client.seen.joins.at(-1).resumed, true);
});

test("what is under way over the poll when it moves may still be answered there, and the rest goes by the new way", () => {
  const client = movingClient();
  const {poll, webSocket} = client.network;
  const [one, two] = ["one", "two"].map((text) => client.channel.send("message:send", {text}));
  client.clock.advance(3000);
  webSocket.answerHeartbeats();
  client.clock.advance(2000);
  assert.equal(transport(client), "websocket");
  webSocket.reply("phx_join", joinReply({seq: 4}));
  assert.equal(poll.isClosed, false);
  assert.equal(webSocket.pushes("message:send").length, 0);
  poll.reply("message:send", {seq: 5, at: 5});
  assert.equal(one.state, "sent");
  assert.equal(poll.isClosed, true);
  assert.deepEqual(webSocket.push("message:send").payload, {text: "two", id: two.id});
});

test("a poll that ends before it has answered what was under way leaves it to the new connection, under its id", () => {
  const client = movingClient();
  const {poll, webSocket} = client.network;
  const one = client.channel.send("message:send", {text: "one"});
  client.clock.advance(5000);
  webSocket.reply("phx_join", joinReply({seq: 4}));
  poll.lose();
  assert.deepEqual(webSocket.push("message:send").payload, {text: "one", id: one.id});
});

test("a poll that does not answer any more is not waited for: the new connection takes what was under way", () => {
  const client = movingClient();
  const {poll, webSocket} = client.network;
  client.clock.advance(4900);
  const one = client.channel.send("message:send", {text: "one"});
  client.clock.advance(100);
  webSocket.reply("phx_join", joinReply({seq: 4}));
  passTime(client, 8000);
  assert.equal(poll.isClosed, true);
  assert.deepEqual(webSocket.push("message:send").payload, {text: "one", id: one.id});
});
