/** What a page does when it goes away. */

import assert from "node:assert/strict";
import {test} from "node:test";

import {joinedClient, loseSteady, onlineClient} from "./support/client.mjs";

test("a page that goes away ends its connection, and comes back when it does", () => {
  const client = joinedClient({seq: 4});
  client.page.leave();
  assert.equal(client.network.webSocket.isClosed, true);
  client.clock.freeze(600_000);
  client.page.wake();
  client.clock.advance(0);
  client.network.webSocket.open();
  assert.equal(client.network.webSocket.push("phx_join").payload.since, 4);
});

test("should it not go after all, it comes back by itself", () => {
  const client = joinedClient({seq: 4});
  client.page.leave();
  assert.equal(client.socket.state.status, "reconnecting");
  client.clock.advance(500);
  client.network.webSocket.open();
  assert.equal(client.socket.state.status, "online");
});

test("a page that goes away while it waits for its next attempt has nothing to end", () => {
  const client = onlineClient();
  loseSteady(client);
  const {state} = client.socket;
  client.page.leave();
  assert.equal(client.socket.state, state);
});
