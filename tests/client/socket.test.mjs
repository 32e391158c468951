import assert from "node:assert/strict";
import {test} from "node:test";

import {
  failAttempt, joinedClient, joinReply, loseSteady, MemoryStorage, newClient, onlineClient, passTime, reconnect,
  record, settled,
} from "./support/client.mjs";

const nearlyOne = () => 0.999999;
const status = ({socket}) => socket.state.status;

const waiting = (state, retryAt) => ({status: state, retryAt, transport: null});

test("it is offline until it connects, then connecting, then online", () => {
  const {socket, network} = newClient();
  const states = [];
  socket.onState((state) => states.push([state.status, state.retryAt, state.transport]));
  socket.connect();
  assert.equal(network.webSocket.endpoint, "/students/socket");
  network.webSocket.open();
  assert.deepEqual(states, [["offline", null, null], ["connecting", null, null], ["online", null, "websocket"]]);
});

test("connecting twice makes one connection", () => {
  const {socket, network} = newClient();
  socket.connect();
  socket.connect();
  assert.equal(network.webSockets.length, 1);
});

test("a lost connection is made again after a random part of the window, and the state says when", () => {
  const client = onlineClient({random: () => 0.25});
  const {socket, clock, network} = client;
  loseSteady(client);
  assert.deepEqual(socket.state, waiting("reconnecting", clock.now() + 250));
  clock.advance(249);
  assert.equal(network.webSockets.length, 1);
  clock.advance(1);
  assert.equal(network.webSockets.length, 2);
  assert.deepEqual(socket.state, waiting("reconnecting", null));
  network.webSocket.open();
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
    failAttempt(client);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("a server that ends each connection as soon as it opens does not narrow the window again", () => {
  const client = onlineClient({random: nearlyOne});
  loseSteady(client);
  const waits = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const wait = client.socket.state.retryAt - client.clock.now();
    waits.push(wait + 1);
    client.clock.advance(wait);
    client.network.webSocket.open();
    client.clock.advance(300);
    client.network.webSocket.lose(1011);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
});

for (const code of [1000, 1001, 1006, 1008, 1009, 1011, 1012, 4009]) {
  test(`closed with ${code} it comes back with jitter`, () => {
    const client = onlineClient();
    loseSteady(client, code);
    assert.deepEqual(client.socket.state, waiting("reconnecting", client.clock.now() + 500));
  });
}

test("closed with 4008 (too slow) it comes back at once", () => {
  const client = onlineClient();
  loseSteady(client, 4008);
  client.clock.advance(0);
  assert.equal(client.network.webSockets.length, 2);
});

test("but not at once when that happens as soon as it is back", () => {
  const client = onlineClient();
  loseSteady(client, 4008);
  client.clock.advance(0);
  client.network.webSocket.open();
  client.clock.advance(100);
  client.network.webSocket.lose(4008);
  assert.equal(client.socket.state.retryAt - client.clock.now() > 0, true);
});

test("closed with 4001 it is signed out and stays away, whatever wakes it", () => {
  const client = onlineClient();
  loseSteady(client, 4001);
  assert.deepEqual(client.socket.state, waiting("signed_out", null));
  assert.equal(client.page.watchers, 0);
  client.page.wake();
  client.clock.advance(600_000);
  assert.equal(client.network.webSockets.length, 1);
});

test("signed out, it connects again when told to", () => {
  const client = onlineClient();
  loseSteady(client, 4001);
  client.socket.connect();
  client.network.webSocket.open();
  assert.equal(status(client), "online");
});

test("a refused attempt asks whether somebody is signed in, and stops when nobody is", async () => {
  const client = onlineClient();
  client.page.mayBeSignedIn = async () => false;
  loseSteady(client);
  client.clock.advance(500);
  failAttempt(client);
  await settled();
  assert.equal(status(client), "signed_out");
  client.clock.advance(600_000);
  assert.equal(client.network.webSockets.length, 2);
});

test("a connection that was open is no reason to ask", async () => {
  const client = onlineClient();
  let asked = 0;
  client.page.mayBeSignedIn = async () => (asked += 1) > 0;
  loseSteady(client);
  await settled();
  assert.equal(asked, 0);
});

test("the attempts go on while the answer is not there, and one that succeeds overrules it", async () => {
  const client = newClient();
  let answer = () => {};
  client.page.mayBeSignedIn = () => new Promise((resolve) => (answer = resolve));
  client.socket.connect();
  failAttempt(client);
  client.clock.advance(500);
  client.network.webSocket.open();
  answer(false);
  await settled();
  assert.equal(status(client), "online");
});

test("an attempt that gets no answer at all is given up after 15 s, its poll 4 s later", () => {
  const client = newClient();
  client.network.pollsFail = false;
  client.socket.connect();
  client.clock.advance(14_999);
  assert.equal(client.network.webSockets[0].isClosed, false);
  client.clock.advance(1);
  assert.equal(client.network.webSockets[0].isClosed, true);
  client.clock.advance(3999);
  assert.equal(client.network.poll.isClosed, false);
  client.clock.advance(1);
  assert.equal(client.network.poll.isClosed, true);
  client.clock.advance(500);
  assert.equal(client.network.webSockets.length, 2);
});

test("a heartbeat goes out when it opens and each 30 s, and its answer keeps the connection", () => {
  const {clock, network} = onlineClient();
  for (let beat = 2; beat <= 4; beat += 1) {
    clock.advance(30_000);
    assert.equal(network.webSocket.pushes("heartbeat").length, beat);
    assert.deepEqual({...network.webSocket.push("heartbeat"), ref: null},
      {joinRef: null, ref: null, topic: "phoenix", event: "heartbeat", payload: {}});
    network.webSocket.answerHeartbeats();
  }
  assert.equal(network.webSockets.length, 1);
});

test("a connection that does not answer is dropped without waiting for its close", () => {
  const client = onlineClient();
  passTime(client, 30_000);
  client.clock.advance(40_000);
  assert.equal(client.network.webSockets[0].isClosed, true);
  assert.equal(status(client), "reconnecting");
  client.clock.advance(500);
  client.network.webSocket.open();
  assert.equal(status(client), "online");
});

test("something that does not speak the protocol is not talked to", () => {
  const client = onlineClient();
  client.network.webSocket.receiveText("<html>Please accept our terms</html>");
  assert.equal(status(client), "reconnecting");
  assert.equal(client.network.webSocket.isClosed, true);
});

test("frames of topics that nobody asked for are ignored", () => {
  const client = onlineClient();
  client.network.webSocket.broadcast("class:99", "message:sent", {seq: 1, at: 1});
  assert.equal(status(client), "online");
});

test("a wake-up while it waits tries at once", () => {
  const client = onlineClient({random: nearlyOne});
  loseSteady(client);
  client.clock.advance(999);
  failAttempt(client);
  client.clock.advance(1999);
  failAttempt(client);
  client.clock.advance(2500);
  client.page.wake();
  client.clock.advance(0);
  assert.equal(client.network.webSockets.length, 4);
});

for (const sign of ["wake", "use"]) {
  test(`many signs of the page (${sign}) cause one attempt in two seconds`, () => {
    const client = newClient({random: nearlyOne});
    client.socket.connect();
    failAttempt(client);
    for (let moment = 0; moment < 200; moment += 1) {
      client.page[sign]();
      client.clock.advance(50);
      if (!client.network.webSocket.isClosed) failAttempt(client);
    }
    assert.equal(client.network.webSockets.length <= 6, true, `${client.network.webSockets.length} attempts in 10 s`);
  });
}

test("a key after a long wait tries at once", () => {
  const client = onlineClient({random: nearlyOne});
  loseSteady(client);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    client.clock.advance(client.socket.state.retryAt - client.clock.now());
    failAttempt(client);
  }
  client.clock.advance(2000);
  const attempts = client.network.webSockets.length;
  client.page.use();
  client.clock.advance(0);
  assert.equal(client.network.webSockets.length, attempts + 1);
  client.network.webSocket.open();
  assert.equal(status(client), "online");
});

test("the next attempt can be asked for, and the state says when it comes", () => {
  const client = newClient({random: nearlyOne});
  const begun = client.clock.now();
  client.socket.connect();
  for (let attempt = 0; attempt < 3; attempt += 1) {
    failAttempt(client);
    client.clock.advance(client.socket.state.retryAt - client.clock.now());
  }
  failAttempt(client);
  client.socket.tryNow();
  assert.equal(client.socket.state.retryAt <= client.clock.now() + 2000, true);
  assert.equal(client.socket.state.retryAt > begun, true);
});

test("a key asks nothing of a connection that carries", () => {
  const client = onlineClient();
  client.page.use();
  client.socket.tryNow();
  assert.equal(client.network.webSocket.pushes("heartbeat").length, 1);
  assert.equal(client.network.webSockets.length, 1);
});

test("a wake-up never puts an attempt off", () => {
  const client = newClient({random: () => 0.1});
  client.socket.connect();
  failAttempt(client);
  client.page.wake();
  client.clock.advance(100);
  assert.equal(client.network.webSockets.length, 2);
});

test("a wake-up while it is online looks whether the connection still carries", () => {
  const client = onlineClient();
  client.page.wake();
  assert.equal(client.network.webSocket.pushes("heartbeat").length, 2);
  client.clock.advance(4000);
  assert.equal(status(client), "reconnecting");
});

test("a wake-up while an attempt runs leaves it alone", () => {
  const client = newClient();
  client.socket.connect();
  client.page.wake();
  client.clock.advance(0);
  assert.equal(client.network.webSockets.length, 1);
  assert.equal(client.network.webSocket.sent.length, 0);
});

test("without any network it says offline, and goes on trying all the same", () => {
  const client = onlineClient();
  client.page.networkIsDown = true;
  loseSteady(client);
  assert.deepEqual(client.socket.state, waiting("offline", client.clock.now() + 500));
  client.clock.advance(500);
  assert.equal(client.network.webSockets.length, 2);
});

test("without any network it says offline through all attempts", () => {
  const client = onlineClient();
  client.page.networkIsDown = true;
  loseSteady(client);
  const seen = new Set();
  client.socket.onState((state) => seen.add(state.status));
  for (let attempt = 0; attempt < 3; attempt += 1) {
    client.clock.advance(client.socket.state.retryAt - client.clock.now());
    failAttempt(client);
  }
  assert.deepEqual([...seen], ["offline"]);
  client.page.networkIsDown = false;
  client.page.wake();
  assert.equal(status(client), "reconnecting");
});

test("a network that goes while an attempt runs is said at once", () => {
  const client = newClient();
  client.socket.connect();
  client.page.networkIsDown = true;
  client.page.wake();
  assert.equal(status(client), "offline");
});

test("disconnected, it is offline and does not come back", () => {
  const client = onlineClient();
  client.socket.disconnect();
  assert.deepEqual(client.socket.state, waiting("offline", null));
  assert.equal(client.network.webSocket.isClosed, true);
  client.clock.advance(600_000);
  assert.equal(client.network.webSockets.length, 1);
  assert.equal(client.clock.timers, 0);
});

test("after disconnect and connect its channels join again from where they were", () => {
  const {socket, network, seen} = joinedClient({seq: 4});
  socket.disconnect();
  socket.connect();
  network.webSocket.open();
  assert.deepEqual(network.webSocket.push("phx_join").payload, {present: true, since: 4, epoch: "e1"});
  network.webSocket.reply("phx_join", joinReply({seq: 4}));
  assert.deepEqual(seen.joins.map(({resumed}) => resumed), [false, true]);
});

test("references are never used again, by any connection", () => {
  const client = joinedClient();
  for (let round = 0; round < 5; round += 1) {
    reconnect(client);
    client.network.webSocket.reply("phx_join", joinReply());
  }
  const refs = client.network.webSockets.flatMap(({sent}) => sent.map(({ref}) => ref));
  assert.equal(new Set(refs).size, refs.length);
});

test("a lost connection says nothing more, even if its frames still come", () => {
  const client = joinedClient();
  const old = client.network.webSocket;
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
  assert.deepEqual(network.webSocket.pushes("phx_join").map(({topic}) => topic), ["class:7", "school"]);
});

test("signing out forgets what was unsent: the next user of the computer shall not send it", async () => {
  const storage = new MemoryStorage();
  const client = joinedClient({storage});
  client.network.webSocket.lose();
  client.channel.send("message:send", {text: "private"});
  assert.equal(storage.length, 1);
  client.page.mayBeSignedIn = async () => false;
  client.clock.advance(1000);
  client.network.webSocket.lose();
  await settled();
  assert.equal(storage.length, 0);
});

test("a listener that was taken away receives nothing more", () => {
  const {socket, network} = newClient();
  const states = [];
  const remove = socket.onState((state) => states.push(state.status));
  remove();
  socket.connect();
  network.webSocket.open();
  assert.deepEqual(states, ["offline"]);
});

test("a page that disconnects while it learns of a join stops everything", () => {
  const {socket, network, clock} = onlineClient();
  const channel = socket.channel("class:7");
  const seen = record(channel);
  channel.onJoin(() => socket.disconnect());
  channel.join();
  network.webSocket.reply("phx_join", joinReply());
  assert.equal(seen.joins.length, 1);
  assert.equal(clock.timers, 0);
});

test("a push without an answer for 4 s asks whether the connection carries, and a dead one is given up 4 s later", () => {
  const client = joinedClient();
  client.channel.send("message:send", {text: "into the void"});
  client.clock.advance(3999);
  assert.equal(client.network.webSocket.pushes("heartbeat").length, 1);
  client.clock.advance(1);
  assert.equal(client.network.webSocket.pushes("heartbeat").length, 2);
  client.clock.advance(3999);
  assert.equal(status(client), "online");
  client.clock.advance(1);
  assert.equal(status(client), "reconnecting");
});

test("a server that is only slow with a push, and answers the heartbeat, keeps its connection", () => {
  const client = joinedClient();
  client.channel.send("message:send", {text: "later"});
  passTime(client, 19_000);
  assert.equal(status(client), "online");
  assert.equal(client.network.webSockets.length, 1);
});

test("a delay that the server asks for is kept, whatever wakes it, with jitter after it", () => {
  const client = newClient();
  client.network.pollsFail = false;
  client.socket.connect();
  client.network.webSocket.lose();
  client.network.poll.lose(1013, 7000);
  assert.deepEqual(client.socket.state, waiting("connecting", client.clock.now() + 7500));
  for (let second = 0; second < 6; second += 1) {
    client.page.wake();
    client.page.use();
    client.socket.tryNow();
    client.clock.advance(1000);
  }
  assert.equal(client.network.webSockets.length, 1);
});

test("but not a delay that is beyond all reason", () => {
  const client = newClient();
  client.network.pollsFail = false;
  client.socket.connect();
  client.network.webSocket.lose();
  client.network.poll.lose(1013, 1e12);
  assert.equal(client.socket.state.retryAt - client.clock.now(), 300_500);
});
