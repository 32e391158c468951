/** A client in an environment that the test holds in its hands. */

import {BlockMemory} from "../../../static/client/block_memory.js";
import {Socket} from "../../../static/client/socket.js";
import {UnsentStore} from "../../../static/client/unsent.js";
import {HandClock} from "./hand_clock.mjs";
import {HandNetwork} from "./hand_network.mjs";

/**
 * Return a socket with everything around it. `random` is the middle of every window unless the test says otherwise.
 * `storage` keeps unsent pushes, `shared` what became of WebSockets.
 */
export function newClient({storage = null, shared = null, user = "17", random = () => 0.5, clock = new HandClock(),
  ...environment} = {}) {
  const network = new HandNetwork(clock);
  const page = new HandPage();
  let identifiers = 0;
  const socket = new Socket("/students/socket", {
    environment: {
      transports: network.transports,
      clock,
      random,
      newIdentifier: () => `id-${(identifiers += 1)}`,
      store: new UnsentStore(storage, user),
      blockMemory: new BlockMemory(shared, clock, () => page.networkType),
      mayBeSignedIn: () => page.mayBeSignedIn(),
      networkIsDown: () => page.networkIsDown,
      watchWakeups: page.watcher("wake"),
      watchUse: page.watcher("use"),
      watchNetwork: page.watcher("changeNetwork"),
      watchLeaving: page.watcher("leave"),
      ...environment,
    },
  });
  return {socket, clock, network, page};
}

/** What a browser would report of its page: the test calls `wake`, `use`, `changeNetwork` and `leave`. */
class HandPage {
  networkType = "unknown";
  networkIsDown = false;
  mayBeSignedIn = async () => true;
  watchers = 0;
  wake = () => {};
  use = () => {};
  changeNetwork = () => {};
  leave = () => {};

  watcher(name) {
    return (call) => {
      this[name] = call;
      this.watchers += 1;
      return () => {
        this[name] = () => {};
        this.watchers -= 1;
      };
    };
  }
}

/** Return a client that is online, over a WebSocket. */
export function onlineClient(options) {
  const client = newClient(options);
  client.socket.connect();
  client.network.webSocket.open();
  return client;
}

/** Return a client that is online, with a channel that has joined at `seq`. */
export function joinedClient({seq = 0, events = [], ...options} = {}) {
  const client = onlineClient(options);
  const channel = client.socket.channel("class:7", {present: true});
  const seen = record(channel);
  channel.join();
  client.network.webSocket.reply("phx_join", joinReply({seq, events}));
  return {...client, channel, seen};
}

/** Let time pass on a WebSocket that answers its heartbeats. */
export function passTime({clock, network}, ms) {
  const end = clock.now() + ms;
  while (clock.now() < end) {
    clock.advance(Math.min(1000, end - clock.now()));
    network.webSocket.answerHeartbeats();
  }
}

/** Lose the WebSocket after it has held for longer than any filter would let it. */
export function loseSteady(client, code) {
  passTime(client, 35_000);
  client.network.webSocket.lose(code);
}

/** Lose the WebSocket (by a restart of the server, which says nothing about WebSockets), and get a new one. */
export function reconnect({clock, network}, code = 1012) {
  const lost = network.webSocket;
  lost.lose(code);
  while (network.webSocket === lost) clock.advance(100);
  network.webSocket.open();
}

/** Let an attempt fail: its WebSocket, and the poll after it. */
export function failAttempt({network, clock}) {
  network.webSocket.lose();
  clock.advance(0);
}

/** Note what a channel hands over: the numbers of its messages, its joins and its closes. */
export function record(channel) {
  const seen = {messages: [], joins: [], closes: []};
  channel.on("message:sent", ({seq}) => seen.messages.push(seq));
  channel.onJoin((joined) => seen.joins.push(joined));
  channel.onClose((reason) => seen.closes.push(reason.code));
  return seen;
}

export function joinReply({epoch = "e1", seq = 0, complete = true, events = [], ...more} = {}) {
  return {epoch, seq, complete, events, state: {}, read: 0, ...more};
}

export function message(seq) {
  return {event: "message:sent", payload: {text: `message ${seq}`, seq, at: 1_800_000_000_000 + seq}};
}

export function messages(first, last) {
  return Array.from({length: last - first + 1}, (_, index) => message(first + index));
}

/** Let every promise that can go on do so. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** sessionStorage as the standard has it; `quota` counts characters. */
export class MemoryStorage {
  #items = new Map();

  constructor(quota = Infinity) {
    this.quota = quota;
  }

  get length() {
    return this.#items.size;
  }

  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }

  getItem(name) {
    return this.#items.get(name) ?? null;
  }

  setItem(name, value) {
    if (value.length > this.quota) throw new DOMException("full", "QuotaExceededError");
    this.#items.set(name, String(value));
  }

  removeItem(name) {
    this.#items.delete(name);
  }
}
