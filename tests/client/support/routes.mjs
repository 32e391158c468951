/** Clients whose polls are played by the test, too. */

import assert from "node:assert/strict";

import {joinedClient, MemoryStorage, newClient, passTime} from "./client.mjs";

export const status = ({socket}) => socket.state.status;
export const transport = ({socket}) => socket.state.transport;

/** A client that is connecting. */
export function connectingClient(options) {
  const client = newClient({shared: new MemoryStorage(), ...options});
  client.network.pollsFail = false;
  client.socket.connect();
  return client;
}

/** A client of a browser that has found WebSockets blocked, online by a poll. */
export function pollingClient(options) {
  const client = connectingClient(options);
  client.clock.advance(4000);
  client.network.poll.open();
  passPolling(client, 12_000);
  assert.equal(client.network.webSocket.isClosed, true);
  return client;
}

/** Let time pass on a poll that answers its heartbeats. */
export function passPolling({clock, network}, ms) {
  const end = clock.now() + ms;
  while (clock.now() < end) {
    clock.advance(Math.min(100, end - clock.now()));
    network.poll.answerHeartbeats();
  }
}

/** Another page in the same browser. */
export function nextPage({clock}, shared) {
  return connectingClient({clock, shared});
}

/** A client that has joined over a WebSocket, which has held for a minute. */
export function steadyClient(options) {
  const client = joinedClient({seq: 4, shared: new MemoryStorage(), ...options});
  client.network.pollsFail = false;
  passTime(client, 60_000);
  return client;
}
