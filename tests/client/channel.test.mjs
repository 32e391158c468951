import assert from "node:assert/strict";
import {test} from "node:test";

import {Disconnected, Refused, TimedOut} from "../../static/client/errors.js";
import {
  joinedClient, joinReply, message, messages, newClient, onlineClient, passTime, reconnect, record, settled,
} from "./support/client.mjs";

const TOPIC = "class:7";

/** A client online, with a channel whose join is under way. */
function joiningClient(options) {
  const client = onlineClient(options);
  const channel = client.socket.channel(TOPIC, {present: true});
  const seen = record(channel);
  const outcome = {};
  channel.join().then(() => (outcome.joined = true), (error) => (outcome.error = error));
  return {...client, channel, seen, outcome};
}

const say = ({network}, seq) => network.webSocket.broadcast(TOPIC, "message:sent", message(seq).payload);
const lastJoin = ({network}) => network.webSocket.push("phx_join");

test("the first join says its parameters and no position", () => {
  const client = joiningClient();
  const {joinRef, ref, payload} = lastJoin(client);
  assert.deepEqual(payload, {present: true});
  assert.equal(joinRef, ref);
});

test("the join's reply is handed over once, with its events, which do not come as live ones too", async () => {
  const client = joiningClient();
  client.network.webSocket.reply("phx_join", joinReply({seq: 2, events: messages(1, 2), state: {locked: true}, read: 1}));
  await settled();
  const [{response, ...joined}] = client.seen.joins;
  const expected = {resumed: false, complete: true, events: messages(1, 2), state: {locked: true}, read: 1, seq: 2};
  assert.deepEqual(joined, expected);
  assert.equal(response.epoch, "e1");
  assert.deepEqual(client.seen.messages, []);
  assert.deepEqual(client.outcome, {joined: true});
});

test("the whole reply is there for topics that say more", () => {
  const client = joiningClient();
  client.network.webSocket.reply("phx_join", joinReply({topics: [{topic: TOPIC, title: "6º A"}]}));
  assert.deepEqual(client.seen.joins[0].response.topics, [{topic: TOPIC, title: "6º A"}]);
});

test("a join asked for before there is a connection goes out with it", async () => {
  const {socket, network} = newClient();
  const channel = socket.channel(TOPIC);
  const joined = channel.join();
  socket.connect();
  network.webSocket.open();
  network.webSocket.reply("phx_join", joinReply());
  await joined;
  assert.equal(channel.joined, true);
});

test("joining what is joined, or being joined, sends nothing more", async () => {
  const client = joiningClient();
  const again = client.channel.join();
  client.network.webSocket.reply("phx_join", joinReply());
  await again;
  await client.channel.join();
  assert.equal(client.network.webSocket.pushes("phx_join").length, 1);
});

test("a join that is refused for good rejects, is told, and is not tried again", async () => {
  const client = joiningClient();
  client.network.webSocket.refuse("phx_join", {code: "forbidden", message: "Not your class.", reason: "forbidden"});
  await settled();
  assert.equal(client.outcome.error instanceof Refused, true);
  assert.deepEqual([client.outcome.error.code, client.outcome.error.message], ["forbidden", "Not your class."]);
  assert.deepEqual(client.seen.closes, ["forbidden"]);
  reconnect(client);
  assert.deepEqual(client.network.webSocket.pushes("phx_join"), []);
});

test("a refusal in the words of a stock server is understood", async () => {
  const client = joiningClient();
  client.network.webSocket.refuse("phx_join", {reason: "unmatched topic"});
  await settled();
  assert.equal(client.outcome.error.code, "unmatched_topic");
});

for (const code of ["too_fast", "overloaded", "unavailable", "internal"]) {
  test(`a join that is refused as ${code} is tried again, after what the server asks and some jitter`, async () => {
    const client = joiningClient();
    client.network.webSocket.refuse("phx_join", {code, message: "later", retry_after: 2000});
    client.clock.advance(2499);
    assert.equal(client.network.webSocket.pushes("phx_join").length, 1);
    client.clock.advance(1);
    client.network.webSocket.reply("phx_join", joinReply());
    await settled();
    assert.deepEqual(client.outcome, {joined: true});
  });
}

test("a join without an answer is tried again after 10 s, and the late answer to the first is not taken", async () => {
  const client = joiningClient();
  const first = lastJoin(client);
  passTime(client, 10_000);
  client.clock.advance(500);
  assert.equal(client.network.webSocket.pushes("phx_join").length, 2);
  client.network.webSocket.receive({...first, event: "phx_reply", payload: {status: "ok", response: joinReply({seq: 1})}});
  assert.deepEqual(client.seen.joins, []);
  client.network.webSocket.reply("phx_join", joinReply({seq: 3}));
  assert.deepEqual(client.seen.joins.map(({seq}) => seq), [3]);
});

test("live events are handed over in order, each once", () => {
  const client = joinedClient({seq: 4});
  for (const seq of [5, 6, 6, 5, 3, 7]) say(client, seq);
  assert.deepEqual(client.seen.messages, [5, 6, 7]);
});

test("events that come before the join's reply wait for it, and those it has are dropped", () => {
  const client = joiningClient();
  for (const seq of [9, 10, 11, 12]) say(client, seq);
  assert.deepEqual(client.seen.messages, []);
  const order = [];
  client.channel.onJoin(() => order.push("join"));
  client.channel.on("message:sent", ({seq}) => order.push(seq));
  client.network.webSocket.reply("phx_join", joinReply({seq: 10, events: messages(1, 10)}));
  assert.deepEqual(order, ["join", 11, 12]);
});

test("after a lost connection it joins from its position and goes on from there", () => {
  const client = joinedClient({seq: 4});
  say(client, 5);
  reconnect(client);
  assert.deepEqual(lastJoin(client).payload, {present: true, since: 5, epoch: "e1"});
  say(client, 8);
  client.network.webSocket.reply("phx_join", joinReply({seq: 7, events: messages(6, 7)}));
  say(client, 9);
  assert.equal(client.seen.joins[1].resumed, true);
  assert.deepEqual(client.seen.joins[1].events, messages(6, 7));
  assert.deepEqual(client.seen.messages, [5, 8, 9]);
});

test("closed as too slow it comes back from its position", () => {
  const client = joinedClient({seq: 4});
  reconnect(client, 4008);
  assert.equal(lastJoin(client).payload.since, 4);
});

test("a reply that is not complete says that something was skipped, and goes on from its own end", () => {
  const client = joinedClient({seq: 4});
  reconnect(client);
  client.network.webSocket.reply("phx_join", joinReply({seq: 900, complete: false, events: messages(851, 900)}));
  const {resumed, complete, seq} = client.seen.joins[1];
  assert.deepEqual({resumed, complete, seq}, {resumed: false, complete: false, seq: 900});
  say(client, 901);
  assert.deepEqual(client.seen.messages, [901]);
});

test("an event after a hole is not handed over: it joins again from its position, at once", () => {
  const client = joinedClient({seq: 4});
  say(client, 6);
  assert.deepEqual(client.seen.messages, []);
  assert.deepEqual(lastJoin(client).payload, {present: true, since: 4, epoch: "e1"});
  say(client, 7);
  client.network.webSocket.reply("phx_join", joinReply({seq: 6, events: messages(5, 6)}));
  assert.deepEqual(client.seen.joins[1].events, messages(5, 6));
  assert.deepEqual(client.seen.messages, [7]);
});

test("the old join's close, which comes when the new one is made, is not for us", () => {
  const client = joinedClient({seq: 4});
  const old = lastJoin(client);
  say(client, 6);
  client.network.webSocket.reply("phx_join", joinReply({seq: 6, events: messages(5, 6)}));
  client.network.webSocket.receive({joinRef: old.ref, ref: old.ref, topic: TOPIC, event: "phx_close"});
  assert.equal(client.channel.joined, true);
  assert.deepEqual(client.seen.closes, []);
});

test("a server that makes holes again and again is asked ever more slowly", () => {
  const client = joinedClient({seq: 4});
  for (let round = 0; round < 8; round += 1) {
    say(client, 6);
    client.clock.advance(1000);
    if (!client.channel.joined) client.network.webSocket.reply("phx_join", joinReply({seq: 4}));
  }
  assert.equal(client.network.webSocket.pushes("phx_join").length < 6, true);
});

test("a reply with a hole is not handed over either: what we have is given up for the newest, and that is told", () => {
  const client = joinedClient({seq: 4});
  reconnect(client);
  client.network.webSocket.reply("phx_join", joinReply({seq: 9, events: messages(7, 9)}));
  assert.equal(client.seen.joins.length, 1);
  assert.deepEqual(lastJoin(client).payload, {present: true});
  client.network.webSocket.reply("phx_join", joinReply({seq: 9, events: messages(1, 9)}));
  const {resumed, complete} = client.seen.joins[1];
  assert.deepEqual({resumed, complete}, {resumed: false, complete: false});
});

test("a first reply with a hole is asked for again later", () => {
  const client = joiningClient();
  client.network.webSocket.reply("phx_join", joinReply({seq: 9, events: [message(7), message(9)]}));
  assert.equal(client.network.webSocket.pushes("phx_join").length, 1);
  client.clock.advance(500);
  client.network.webSocket.reply("phx_join", joinReply({seq: 9, events: messages(7, 9)}));
  assert.deepEqual(client.seen.joins.map(({complete, seq}) => [complete, seq]), [[true, 9]]);
});

test("more events than it keeps during a join are read by another one", () => {
  const client = joiningClient();
  for (let seq = 1; seq <= 1005; seq += 1) say(client, seq);
  client.network.webSocket.reply("phx_join", joinReply({seq: 0}));
  assert.equal(client.seen.messages.length, 1000);
  assert.equal(lastJoin(client).payload.since, 1000);
  client.network.webSocket.reply("phx_join", joinReply({seq: 1005, events: messages(1001, 1005)}));
  assert.deepEqual(client.seen.joins[1].events, messages(1001, 1005));
});

test("what has no position comes through: typing, and notices that name another topic's position", () => {
  const client = joinedClient({seq: 4});
  const events = [];
  client.channel.on("typing:started", () => events.push("typing"));
  client.channel.on("read:marked", ({seq}) => events.push(`read ${seq}`));
  client.network.webSocket.broadcast(TOPIC, "typing:started", {user: {id: 1}});
  client.network.webSocket.broadcast(TOPIC, "read:marked", {topic: "school", seq: 2});
  client.network.webSocket.broadcast(TOPIC, "read:marked", {topic: "school", seq: 400});
  assert.deepEqual(events, ["typing", "read 2", "read 400"]);
});

test("a topic without positions, such as the dashboard, hands its state over at each join", () => {
  const {socket, network} = onlineClient();
  const dashboard = socket.channel("dashboard");
  const states = [];
  dashboard.onJoin(({state, resumed, complete}) => states.push([state.at, resumed, complete]));
  dashboard.on("dashboard:changed", ({at}) => states.push(at));
  dashboard.join();
  network.webSocket.reply("phx_join", {state: {at: 1}});
  network.webSocket.broadcast("dashboard", "dashboard:changed", {at: 2});
  assert.deepEqual(states, [[1, false, true], 2]);
});

test("a topic that the server takes away is told, and not joined again by itself", async () => {
  const client = joinedClient();
  const {joinRef} = lastJoin(client);
  client.network.webSocket.receive({joinRef, ref: joinRef, topic: TOPIC, event: "phx_close"});
  assert.deepEqual(client.seen.closes, ["taken_away"]);
  await assert.rejects(client.channel.push("message:send", {}), Disconnected);
  reconnect(client);
  assert.deepEqual(client.network.webSocket.pushes("phx_join"), []);
  client.channel.join();
  assert.deepEqual(lastJoin(client).payload, {present: true});
});

test("a rejoin that is refused for good is told as well", () => {
  const client = joinedClient();
  reconnect(client);
  client.network.webSocket.refuse("phx_join", {code: "unmatched_topic", message: "No such class."});
  assert.deepEqual(client.seen.closes, ["unmatched_topic"]);
});

test("a crashed channel is joined again, with jitter, from its position", () => {
  const client = joinedClient({seq: 4});
  const {joinRef} = lastJoin(client);
  client.network.webSocket.receive({joinRef, ref: joinRef, topic: TOPIC, event: "phx_error"});
  assert.equal(client.channel.joined, false);
  client.clock.advance(500);
  assert.equal(lastJoin(client).payload.since, 4);
  assert.deepEqual(client.seen.closes, []);
});

test("a crash after a good while does not wait as long as one of many", () => {
  const client = joinedClient();
  for (let crash = 0; crash < 6; crash += 1) {
    passTime(client, 20_000);
    const {joinRef} = lastJoin(client);
    client.network.webSocket.receive({joinRef, ref: joinRef, topic: TOPIC, event: "phx_error"});
    client.clock.advance(500);
    client.network.webSocket.reply("phx_join", joinReply());
    assert.equal(client.channel.joined, true);
  }
});

test("a push gets its response", async () => {
  const client = joinedClient();
  const pushed = client.channel.push("read:mark", {seq: 3});
  await settled();
  const {joinRef, payload} = client.network.webSocket.push("read:mark");
  assert.equal(joinRef, lastJoin(client).joinRef);
  assert.deepEqual(payload, {seq: 3});
  client.network.webSocket.reply("read:mark", {seq: 3});
  assert.deepEqual(await pushed, {seq: 3});
});

test("a refused push rejects with the server's code, words and time", async () => {
  const client = joinedClient();
  const pushed = client.channel.push("typing:start");
  await settled();
  client.network.webSocket.refuse("typing:start", {code: "too_fast", message: "Slow down.", retry_after: 300});
  await assert.rejects(pushed, {name: "Refused", code: "too_fast", message: "Slow down.", retryAfter: 300});
});

test("a push without an answer times out, and its late answer is ignored", async () => {
  const client = joinedClient();
  const pushed = client.channel.push("history:read", {}, {timeout: 3000});
  await settled();
  client.clock.advance(3000);
  await assert.rejects(pushed, TimedOut);
  client.network.webSocket.reply("history:read", {events: []});
});

test("a push whose connection is lost rejects at once", async () => {
  const client = joinedClient();
  const pushed = client.channel.push("history:read", {});
  await settled();
  client.network.webSocket.lose();
  await assert.rejects(pushed, Disconnected);
});

test("a push while not joined waits for the join, and the wait counts", async () => {
  const client = joinedClient();
  client.network.webSocket.lose(1012);
  const pushed = client.channel.push("history:read", {}, {timeout: 5000});
  client.clock.advance(500);
  client.network.webSocket.open();
  client.network.webSocket.reply("phx_join", joinReply());
  await settled();
  client.network.webSocket.reply("history:read", {more: false});
  assert.deepEqual(await pushed, {more: false});
});

test("a push while not joined times out when no join comes", async () => {
  const client = joinedClient();
  client.network.webSocket.lose(1012);
  const pushed = client.channel.push("history:read", {}, {timeout: 5000});
  client.clock.advance(5000);
  await assert.rejects(pushed, TimedOut);
});

test("a push that the server has no join for means that we missed its end: it joins again", async () => {
  const client = joinedClient({seq: 4});
  const pushed = client.channel.push("history:read", {});
  await settled();
  client.network.webSocket.refuse("history:read", {reason: "unmatched topic"});
  await assert.rejects(pushed, Disconnected);
  client.clock.advance(500);
  assert.equal(lastJoin(client).payload.since, 4);
});

test("leaving tells the server, and receives nothing more", async () => {
  const client = joinedClient({seq: 4});
  client.channel.leave();
  const {joinRef} = client.network.webSocket.push("phx_leave");
  assert.equal(joinRef, lastJoin(client).joinRef);
  client.network.webSocket.reply("phx_leave");
  client.network.webSocket.receive({joinRef, ref: joinRef, topic: TOPIC, event: "phx_close"});
  say(client, 5);
  assert.deepEqual([client.seen.messages, client.seen.closes], [[], []]);
  reconnect(client);
  assert.deepEqual(client.network.webSocket.pushes("phx_join"), []);
});

test("leaving while a join is waited for ends the wait", async () => {
  const client = joiningClient();
  client.channel.leave();
  await settled();
  assert.equal(client.outcome.error instanceof Disconnected, true);
});

test("joined again after leaving it goes on from its position", () => {
  const client = joinedClient({seq: 4});
  client.channel.leave();
  client.channel.join();
  assert.equal(lastJoin(client).payload.since, 4);
});

test("presence is taken from the join that we have", () => {
  const client = joinedClient();
  const state = (joinRef, id, name) => {
    const payload = {[id]: {metas: [{phx_ref: `r${id}`}], user: {id, name, role: "student"}}};
    client.network.webSocket.receive({joinRef, topic: TOPIC, event: "presence_state", payload});
  };
  const names = () => client.channel.presence.list().map(({name}) => name);
  state(lastJoin(client).joinRef, 1, "Ana");
  assert.deepEqual(names(), ["Ana"]);
  reconnect(client);
  client.network.webSocket.reply("phx_join", joinReply());
  assert.deepEqual(names(), ["Ana"]);
  state("1", 9, "of an older join");
  assert.deepEqual(names(), ["Ana"]);
  state(lastJoin(client).joinRef, 2, "Bruno");
  assert.deepEqual(names(), ["Bruno"]);
});

test("differences of presence that come before the join's reply are not lost", () => {
  const client = joiningClient();
  const bruno = {2: {metas: [{phx_ref: "b"}], user: {id: 2, name: "Bruno", role: "student"}}};
  client.network.webSocket.broadcast(TOPIC, "presence_diff", {joins: bruno, leaves: {}});
  client.network.webSocket.reply("phx_join", joinReply());
  const {joinRef} = lastJoin(client);
  client.network.webSocket.receive({joinRef, topic: TOPIC, event: "presence_state", payload: {}});
  assert.deepEqual(client.channel.presence.list().map(({name}) => name), ["Bruno"]);
});

const begun = (options) => {
  const client = newClient(options);
  const channel = client.socket.channel(TOPIC, {present: true});
  const seen = record(channel);
  channel.join();
  return {...client, channel, seen};
};

test("what the page brought is handed over before there is a connection", () => {
  const client = begun();
  client.channel.begin(joinReply({seq: 2, events: messages(1, 2), read: 1}));
  const [{response: _response, ...joined}] = client.seen.joins;
  assert.deepEqual(joined, {resumed: false, complete: true, events: messages(1, 2), state: {}, read: 1, seq: 2});
  assert.equal(client.channel.joined, false);
});

test("after what the page brought the join brings only what came since", async () => {
  const client = begun();
  client.channel.begin(joinReply({seq: 2, events: messages(1, 2)}));
  client.socket.connect();
  client.network.webSocket.open();
  assert.deepEqual(lastJoin(client).payload, {present: true, since: 2, epoch: "e1"});
  client.network.webSocket.reply("phx_join", joinReply({seq: 3, events: messages(3, 3)}));
  await settled();
  assert.deepEqual(client.seen.joins.map(({resumed, events}) => [resumed, events]), [
    [false, messages(1, 2)],
    [true, messages(3, 3)],
  ]);
});

test("what the page brought changes nothing once more is known", async () => {
  const client = joiningClient();
  client.network.webSocket.reply("phx_join", joinReply({seq: 2, events: messages(1, 2)}));
  await settled();
  client.channel.begin(joinReply({seq: 1, events: messages(1, 1)}));
  assert.equal(client.seen.joins.length, 1);
});
