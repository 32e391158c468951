/** The choice between a WebSocket and long-polling, as a socket shows it. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {MEMORY_MS} from "../../static/client/block_memory.js";
import {MemoryStorage, passTime} from "./support/client.mjs";
import {connectingClient, nextPage, pollingClient, status, transport} from "./support/routes.mjs";

test("a WebSocket that carries is used, and nobody polls", () => {
  const client = connectingClient();
  client.network.webSocket.open();
  assert.deepEqual([status(client), transport(client)], ["online", "websocket"]);
  passTime(client, 600_000);
  assert.equal(client.network.polls.length, 0);
});

test("one that is only open is not online: it must answer first", () => {
  const client = connectingClient();
  client.network.webSocket.accept();
  assert.equal(status(client), "connecting");
  assert.equal(client.network.webSocket.pushes("heartbeat").length, 1);
  client.network.webSocket.answerHeartbeats();
  assert.equal(status(client), "online");
});

test("one that does not open within 4 s gets a poll for company, and the poll is used when it is first", () => {
  const client = connectingClient();
  client.clock.advance(3999);
  assert.equal(client.network.polls.length, 0);
  client.clock.advance(1);
  client.network.poll.open();
  assert.deepEqual([status(client), transport(client)], ["online", "longpoll"]);
});

test("the poll is given up when the WebSocket carries first after all", () => {
  const client = connectingClient();
  client.clock.advance(4000);
  client.network.webSocket.open();
  assert.equal(transport(client), "websocket");
  assert.equal(client.network.poll.isClosed, true);
});

test("a WebSocket that is refused is followed by a poll at once", () => {
  const client = connectingClient();
  client.network.webSocket.lose();
  client.network.poll.open();
  assert.equal(transport(client), "longpoll");
});

test("one that opens and swallows frames is noticed within 4 s", () => {
  const client = connectingClient();
  client.network.webSocket.accept();
  client.clock.advance(4000);
  client.network.poll.open();
  assert.equal(transport(client), "longpoll");
});

test("one that does not open while a poll does is remembered: the next page begins with a poll", () => {
  const shared = new MemoryStorage();
  const client = connectingClient({shared});
  client.clock.advance(4000);
  client.network.poll.open();
  client.clock.advance(0);
  client.network.poll.answerHeartbeats();
  const next = nextPage(client, shared);
  assert.deepEqual([next.network.webSockets.length, next.network.polls.length], [0, 1]);
  next.network.poll.open();
  assert.equal(transport(next), "longpoll");
});

test("after the hour the next page begins with a WebSocket again", () => {
  const shared = new MemoryStorage();
  const client = pollingClient({shared});
  client.clock.advance(MEMORY_MS);
  assert.equal(nextPage(client, shared).network.webSockets.length, 1);
});

test("a WebSocket that is slow because everything is slow is not taken for blocked", () => {
  const shared = new MemoryStorage();
  const client = connectingClient({shared});
  client.clock.advance(4000);
  client.clock.advance(2000);
  client.network.poll.open();
  client.clock.advance(1999);
  client.network.poll.answerHeartbeats();
  assert.equal(shared.length, 0);
  client.network.webSocket.open();
  client.clock.advance(5000);
  assert.equal(transport(client), "websocket");
  assert.equal(shared.length, 0);
});

test("one that has opened late is judged by its answer, not by its opening", () => {
  const shared = new MemoryStorage();
  const client = connectingClient({shared});
  client.clock.advance(3900);
  client.network.webSocket.accept();
  client.clock.advance(100);
  client.network.poll.open();
  client.clock.advance(3000);
  client.network.poll.answerHeartbeats();
  assert.equal(shared.length, 0);
  client.clock.advance(900);
  assert.equal(client.network.webSocket.isClosed, true);
});

for (const [kind, block] of [
  ["killed", ({network, clock}) => {
    network.webSocket.open();
    clock.advance(300);
    network.webSocket.lose();
  }],
  ["starved", ({network, clock}) => {
    network.webSocket.accept();
    clock.advance(4000);
  }],
  ["refused", ({network}) => network.webSocket.lose()],
]) {
  test(`a WebSocket that is ${kind} twice within a minute is remembered`, () => {
    const shared = new MemoryStorage();
    const client = connectingClient({shared});
    block(client);
    client.clock.advance(500);
    client.network.poll.open();
    assert.equal(transport(client), "longpoll");
    assert.equal(shared.length, 0, "once is nothing yet");
    client.clock.advance(1000);
    assert.equal(client.network.webSockets.length, 2, "the second look comes soon");
    block(client);
    client.network.poll.answerHeartbeats();
    assert.equal(shared.length, 1);
    client.clock.advance(MEMORY_MS);
    assert.equal(client.network.webSockets.length, 2);
    assert.equal(transport(client), "longpoll");
  });
}

test("something that does not speak the protocol is a sign of a filter, too", () => {
  const client = connectingClient();
  client.network.webSocket.accept();
  client.network.webSocket.receiveText("<html>Blocked by your school</html>");
  client.network.poll.open();
  assert.equal(transport(client), "longpoll");
});

for (const code of [1000, 1001, 1008, 1009, 1011, 1012, 4008, 4009]) {
  test(`closed by the server itself with ${code}, again and again, it goes on with WebSockets`, () => {
    const shared = new MemoryStorage();
    const client = connectingClient({shared});
    for (let time = 0; time < 5; time += 1) {
      client.network.webSocket.open();
      client.clock.advance(300);
      const count = client.network.webSockets.length;
      client.network.webSocket.lose(code);
      while (client.network.webSockets.length === count) client.clock.advance(100);
    }
    client.network.webSocket.accept();
    client.network.webSocket.lose(code);
    assert.equal(client.network.polls.length, 0);
    assert.equal(shared.length, 0);
  });
}

test("a server that has said that it restarts is given two attempts before anybody polls", () => {
  const client = connectingClient();
  client.network.webSocket.open();
  client.network.webSocket.lose(1012);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    client.clock.advance(client.socket.state.retryAt - client.clock.now());
    client.network.webSocket.lose();
    assert.equal(client.network.polls.length, 0);
  }
  client.clock.advance(client.socket.state.retryAt - client.clock.now());
  client.network.webSocket.lose();
  client.network.poll.open();
  assert.equal(transport(client), "longpoll");
});

test("but one that was lost without a word is followed by a poll at once", () => {
  const client = connectingClient();
  client.network.webSocket.open();
  client.network.webSocket.lose(1012);
  client.clock.advance(1000);
  client.network.webSocket.open();
  passTime(client, 35_000);
  client.network.webSocket.lose();
  client.clock.advance(1000);
  client.network.webSocket.lose();
  assert.equal(client.network.polls.length, 1);
});

test("a server that is down is down for polls, too: nothing is remembered, and both are tried again", () => {
  const shared = new MemoryStorage();
  const client = connectingClient({shared});
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    assert.equal(client.network.webSockets.length, attempt);
    client.network.webSocket.lose();
    client.network.poll.lose();
    client.clock.advance(client.socket.state.retryAt - client.clock.now());
  }
  client.network.webSocket.open();
  assert.equal(transport(client), "websocket");
  assert.equal(shared.length, 0);
});

test("a network that fails a WebSocket and the poll beside it teaches nothing", () => {
  const shared = new MemoryStorage();
  const client = connectingClient({shared});
  client.network.webSocket.lose();
  client.network.poll.open();
  client.clock.advance(1000);
  client.network.webSocket.lose(); // the second time, but the poll does not answer now
  client.clock.advance(8000);
  assert.equal(status(client), "reconnecting");
  assert.equal(shared.length, 0);
});

test("a WebSocket that hangs in a network where polls have come to hang as well teaches nothing", () => {
  const shared = new MemoryStorage();
  const client = connectingClient({shared});
  client.network.webSocket.lose();
  client.network.poll.open();
  client.clock.advance(1000 + 15_000);
  client.clock.advance(8000);
  assert.equal(status(client), "reconnecting");
  assert.equal(shared.length, 0);
});

test("a poll that is refused is a refused attempt: it asks whether somebody is signed in", async () => {
  let asked = 0;
  const client = connectingClient();
  client.page.mayBeSignedIn = async () => (asked += 1) > 0;
  client.network.webSocket.lose();
  client.network.poll.lose(1008);
  assert.equal(asked, 1);
  assert.equal(status(client), "connecting");
});

test("a poll that fails leaves the WebSocket the rest of its 4 s", () => {
  const client = connectingClient();
  client.network.webSocket.lose();
  client.network.poll.lose();
  client.clock.advance(500);
  client.clock.advance(4000);
  client.network.poll.lose();
  assert.equal(client.network.webSocket.isClosed, false);
  client.clock.advance(0);
  assert.equal(client.network.webSocket.isClosed, true);
  assert.equal(status(client), "connecting");
});

test("a poll that the server ends so ends all: the WebSocket would get the same", () => {
  const client = connectingClient();
  client.clock.advance(4000);
  client.network.poll.lose(1013, 2000);
  assert.equal(client.network.webSocket.isClosed, true);
  assert.equal(client.socket.state.retryAt, client.clock.now() + 2500);
});
