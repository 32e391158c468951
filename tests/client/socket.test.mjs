import assert from "node:assert/strict";
import {test} from "node:test";

import {joinedClient, joinReply, MemoryStorage, newClient, onlineClient, record, settled} from "./support/client.mjs";

const nearlyOne = () => 0.999999;
const status = ({socket}) => socket.state.status;

/** Lose the connection after it has held for a minute, with heartbeats answered. */
function loseSteady({clock, network}, code) {
  clock.advance(20_000);
  network.last.lose(code);
}

test("it is offline until it connects, then connecting, then online", () => {
  const {socket, network} = newClient();
  const states = [];
  socket.onState(({status, retryAt}) => states.push([status, retryAt]));
  socket.connect();
  assert.equal(network.last.endpoint, "/students/socket");
  network.last.open();
  assert.deepEqual(states, [["offline", null], ["connecting", null], ["online", null]]);
});

test("connecting twice makes one connection", () => {
  const {socket, network} = newClient();
  socket.connect();
  socket.connect();
  assert.equal(network.attempts.length, 1);
});

test("a lost connection is made again after a random part of the window, and the state says when", () => {
  const client = onlineClient({random: () => 0.25});
  const {socket, clock, network} = client;
  loseSteady(client);
  assert.deepEqual(socket.state, {status: "reconnecting", retryAt: clock.now() + 250});
  clock.advance(249);
  assert.equal(network.attempts.length, 1);
  clock.advance(1);
  assert.equal(network.attempts.length, 2);
  assert.deepEqual(socket.state, {status: "reconnecting", retryAt: null});
  network.last.open();
  assert.equal(status(client), "online");
});

test("windows widen with each failed attempt, up to 30 s", () => {
  const client = onlineClient({random: nearlyOne});
  loseSteady(client);
  const waits = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    const wait = client.socket.state.retryAt - client.clock.now();
    waits.push(wait + 1);
    client.clock.advance(wait);
    client.network.last.lose();
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("a connection that something kills as soon as it opens does not narrow the window again", () => {
  const client = onlineClient({random: nearlyOne});
  loseSteady(client);
  const waits = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const wait = client.socket.state.retryAt - client.clock.now();
    waits.push(wait + 1);
    client.clock.advance(wait);
    client.network.last.open();
    client.clock.advance(300);
    client.network.last.lose();
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
});

for (const code of [1000, 1001, 1006, 1008, 1009, 1011, 1012, 4009]) {
  test(`closed with ${code} it comes back with jitter`, () => {
    const client = onlineClient();
    loseSteady(client, code);
    assert.deepEqual(client.socket.state, {status: "reconnecting", retryAt: client.clock.now() + 500});
  });
}

test("closed with 4008 (too slow) it comes back at once", () => {
  const client = onlineClient();
  loseSteady(client, 4008);
  client.clock.advance(0);
  assert.equal(client.network.attempts.length, 2);
});

test("but not at once when that happens as soon as it is back", () => {
  const client = onlineClient();
  loseSteady(client, 4008);
  client.clock.advance(0);
  client.network.last.open();
  client.clock.advance(100);
  client.network.last.lose(4008);
  assert.equal(client.socket.state.retryAt - client.clock.now() > 0, true);
});

test("closed with 4001 it is signed out and stays away, whatever wakes it", () => {
  const client = onlineClient();
  loseSteady(client, 4001);
  assert.deepEqual(client.socket.state, {status: "signed_out", retryAt: null});
  assert.equal(client.signals.isWatched, false);
  client.signals.wake();
  client.clock.advance(600_000);
  assert.equal(client.network.attempts.length, 1);
});

test("signed out, it connects again when told to", () => {
  const client = onlineClient();
  loseSteady(client, 4001);
  client.socket.connect();
  client.network.last.open();
  assert.equal(status(client), "online");
});

test("a refused attempt asks whether somebody is signed in, and stops when nobody is", async () => {
  const client = onlineClient();
  client.signals.mayBeSignedIn = async () => false;
  loseSteady(client);
  client.clock.advance(500);
  client.network.last.lose();
  await settled();
  assert.equal(status(client), "signed_out");
  client.clock.advance(600_000);
  assert.equal(client.network.attempts.length, 2);
});

test("a connection that was open is no reason to ask", async () => {
  const client = onlineClient();
  let asked = 0;
  client.signals.mayBeSignedIn = async () => (asked += 1) > 0;
  loseSteady(client);
  await settled();
  assert.equal(asked, 0);
});

test("the attempts go on while the answer is not there, and one that succeeds overrules it", async () => {
  const client = newClient();
  let answer = () => {};
  client.signals.mayBeSignedIn = () => new Promise((resolve) => (answer = resolve));
  client.socket.connect();
  client.network.last.lose();
  client.clock.advance(500);
  client.network.last.open();
  answer(false);
  await settled();
  assert.equal(status(client), "online");
});

test("an attempt that gets no answer at all is given up after 15 s", () => {
  const client = newClient();
  client.socket.connect();
  client.clock.advance(14_999);
  assert.equal(client.network.last.isClosed, false);
  client.clock.advance(1);
  assert.equal(client.network.attempts[0].isClosed, true);
  client.clock.advance(500);
  assert.equal(client.network.attempts.length, 2);
});

test("a heartbeat goes out each 30 s, and its answer keeps the connection", () => {
  const {clock, network} = onlineClient();
  for (let beat = 1; beat <= 3; beat += 1) {
    clock.advance(30_000);
    assert.equal(network.last.pushes("heartbeat").length, beat);
    assert.deepEqual({...network.last.push("heartbeat"), ref: null},
      {joinRef: null, ref: null, topic: "phoenix", event: "heartbeat", payload: {}});
    network.last.reply("heartbeat");
  }
  assert.equal(network.attempts.length, 1);
});

test("a connection that does not answer is dropped without waiting for its close", () => {
  const client = onlineClient();
  client.clock.advance(40_000);
  assert.equal(client.network.attempts[0].isClosed, true);
  assert.equal(status(client), "reconnecting");
  client.clock.advance(500);
  client.network.last.open();
  assert.equal(status(client), "online");
});

test("something that does not speak the protocol is not talked to", () => {
  const client = onlineClient();
  client.network.last.receiveText("<html>Please accept our terms</html>");
  assert.equal(status(client), "reconnecting");
  assert.equal(client.network.last.isClosed, true);
});

test("frames of topics that nobody asked for are ignored", () => {
  const client = onlineClient();
  client.network.last.broadcast("class:99", "message:sent", {seq: 1, at: 1});
  assert.equal(status(client), "online");
});

test("a wake-up while it waits tries at once", () => {
  const client = onlineClient({random: nearlyOne});
  loseSteady(client);
  client.clock.advance(999);
  client.network.last.lose();
  client.clock.advance(1500);
  client.signals.wake();
  client.clock.advance(0);
  assert.equal(client.network.attempts.length, 3);
});

test("wake-ups cause one attempt a second at most", () => {
  const client = newClient({random: nearlyOne});
  client.socket.connect();
  client.network.last.lose();
  for (let wakeUp = 0; wakeUp < 100; wakeUp += 1) {
    client.signals.wake();
    client.clock.advance(50);
    if (!client.network.last.isClosed) client.network.last.lose();
  }
  assert.equal(client.network.attempts.length <= 6, true, `${client.network.attempts.length} attempts in 5 s`);
});

test("a wake-up never puts an attempt off", () => {
  const client = newClient({random: () => 0.1});
  client.socket.connect();
  client.network.last.lose();
  client.signals.wake();
  client.clock.advance(100);
  assert.equal(client.network.attempts.length, 2);
});

test("a wake-up while it is online looks whether the connection still carries", () => {
  const client = onlineClient();
  client.signals.wake();
  assert.equal(client.network.last.pushes("heartbeat").length, 1);
  client.clock.advance(4000);
  assert.equal(status(client), "reconnecting");
});

test("a wake-up while an attempt runs leaves it alone", () => {
  const client = newClient();
  client.socket.connect();
  client.signals.wake();
  client.clock.advance(0);
  assert.equal(client.network.attempts.length, 1);
  assert.equal(client.network.last.sent.length, 0);
});

test("without any network it says offline, and goes on trying all the same", () => {
  const client = onlineClient();
  client.signals.networkIsDown = true;
  loseSteady(client);
  assert.deepEqual(client.socket.state, {status: "offline", retryAt: client.clock.now() + 500});
  client.clock.advance(500);
  assert.equal(client.network.attempts.length, 2);
});

test("disconnected, it is offline and does not come back", () => {
  const client = onlineClient();
  client.socket.disconnect();
  assert.deepEqual(client.socket.state, {status: "offline", retryAt: null});
  assert.equal(client.network.last.isClosed, true);
  client.clock.advance(600_000);
  assert.equal(client.network.attempts.length, 1);
  assert.equal(client.clock.timers, 0);
});

test("after disconnect and connect its channels join again from where they were", () => {
  const {socket, network, seen} = joinedClient({seq: 4});
  socket.disconnect();
  socket.connect();
  network.last.open();
  assert.deepEqual(network.last.push("phx_join").payload, {present: true, since: 4, epoch: "e1"});
  network.last.reply("phx_join", joinReply({seq: 4}));
  assert.deepEqual(seen.joins.map(({resumed}) => resumed), [false, true]);
});

test("references are never used again, by any connection", () => {
  const client = joinedClient();
  for (let round = 0; round < 5; round += 1) {
    loseSteady(client);
    client.clock.advance(60_000);
    client.network.last.open();
    client.network.last.reply("phx_join", joinReply());
  }
  const refs = client.network.attempts.flatMap(({sent}) => sent.map(({ref}) => ref));
  assert.equal(new Set(refs).size, refs.length);
});

test("a lost connection says nothing more, even if its frames still come", () => {
  const client = joinedClient();
  const old = client.network.last;
  old.lose();
  old.isClosed = false;
  old.broadcast("class:7", "message:sent", {seq: 1, at: 1});
  old.lose(4001);
  assert.deepEqual(client.seen.messages, []);
  assert.equal(status(client), "reconnecting");
});

test("the same topic is the same channel; several topics are joined side by side", () => {
  const {socket, network} = onlineClient();
  assert.equal(socket.channel("class:7"), socket.channel("class:7"));
  socket.channel("class:7").join();
  socket.channel("school").join();
  assert.deepEqual(network.last.pushes("phx_join").map(({topic}) => topic), ["class:7", "school"]);
});

test("signing out forgets what was unsent: the next user of the computer shall not send it", async () => {
  const storage = new MemoryStorage();
  const client = joinedClient({storage});
  client.network.last.lose();
  client.channel.send("message:send", {text: "private"});
  assert.equal(storage.length, 1);
  client.signals.mayBeSignedIn = async () => false;
  client.clock.advance(1000);
  client.network.last.lose();
  await settled();
  assert.equal(storage.length, 0);
});

test("a listener that was taken away hears nothing more", () => {
  const {socket, network} = newClient();
  const states = [];
  const remove = socket.onState(({status}) => states.push(status));
  remove();
  socket.connect();
  network.last.open();
  assert.deepEqual(states, ["offline"]);
});

test("a page that disconnects while it hears of a join stops everything", () => {
  const {socket, network, clock} = onlineClient();
  const channel = socket.channel("class:7");
  const seen = record(channel);
  channel.onJoin(() => socket.disconnect());
  channel.join();
  network.last.reply("phx_join", joinReply());
  assert.equal(seen.joins.length, 1);
  assert.equal(clock.timers, 0);
});

test("a push without an answer asks at once whether the connection carries, and a dead one is given up 4 s later", () => {
  const client = joinedClient();
  client.channel.send("message:send", {text: "into the void"});
  client.clock.advance(9999);
  assert.equal(client.network.last.pushes("heartbeat").length, 0);
  client.clock.advance(1);
  assert.equal(client.network.last.pushes("heartbeat").length, 1);
  client.clock.advance(3999);
  assert.equal(status(client), "online");
  client.clock.advance(1);
  assert.equal(status(client), "reconnecting");
});

test("a server that is only slow with a push, and answers the heartbeat, keeps its connection", () => {
  const client = joinedClient();
  client.channel.send("message:send", {text: "later"});
  client.clock.advance(10_000);
  client.network.last.answerHeartbeats();
  client.clock.advance(9000);
  assert.equal(status(client), "online");
  assert.equal(client.network.attempts.length, 1);
});
