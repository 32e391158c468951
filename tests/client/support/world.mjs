/** Pages, a filter, a server and a bad network, all of it turned by one clock and one seed: what fails, fails again. */

import {LongPollTransport} from "../../../static/client/longpoll_transport.js";
import {MemoryStorage, newClient} from "./client.mjs";
import {HandClock} from "./hand_clock.mjs";
import {ModelFilter} from "./model_filter.mjs";
import {ModelLongPoll} from "./model_longpoll.mjs";
import {ModelServer} from "./model_server.mjs";
import {seededRandom} from "./random.mjs";

/** Return a world with three pages; `options` are the server's. */
export function newWorld(seed, options) {
  const clock = new HandClock();
  const random = seededRandom(seed);
  const server = new ModelServer(clock, random, options);
  const filter = new ModelFilter(clock, random, server.webSocket);
  const polls = new ModelLongPoll(server, clock, random);
  const parts = {sendRequest: polls.sendRequest, clock, random};
  const longpoll = (endpoint, owner) => new LongPollTransport(endpoint, owner, parts);
  const world = {clock, random, server, filter, polls, identifiers: 0, transports: {websocket: filter.webSocket, longpoll}};
  world.pages = ["ana", "bruno", "paula"].map((name) => new Page(world, name));
  return world;
}

/** One user's page, which can be loaded anew; `list` is what it shows, `ways` what has carried it. */
export class Page {
  list = [];
  joins = [];
  ways = [];
  deliveries = new Map();
  #world;
  #name;
  #storage = new MemoryStorage();
  #shared = new MemoryStorage();
  #client = null;

  constructor(world, name) {
    this.#world = world;
    this.#name = name;
    this.load();
  }

  load() {
    this.#client?.socket.disconnect();
    const {clock, random, transports} = this.#world;
    const newIdentifier = () => `${this.#name}-${(this.#world.identifiers += 1)}`;
    const environment = {clock, random, newIdentifier, transports};
    this.#client = newClient({storage: this.#storage, shared: this.#shared, user: this.#name, ...environment});
    this.list = [];
    this.joins = [];
    this.channel = this.#client.socket.channel("class:7");
    this.channel.onJoin((joined) => this.#takeJoin(joined));
    this.channel.on("message:sent", ({seq}) => this.list.push(seq));
    for (const delivery of this.channel.unsent) this.deliveries.set(delivery.id, delivery);
    this.#client.socket.onState(({transport}) => transport !== null && this.ways.push(transport));
    this.channel.join();
    this.#client.socket.connect();
  }

  get transport() {
    return this.#client.socket.state.transport;
  }

  send() {
    const delivery = this.channel.send("message:send", {text: "text"});
    this.deliveries.set(delivery.id, delivery);
    return delivery;
  }

  wake() {
    this.#client.page.wake();
  }

  use() {
    this.#client.page.use();
  }

  changeNetwork() {
    this.#client.page.changeNetwork();
  }

  #takeJoin({events, resumed, complete, seq}) {
    if (!resumed) this.list = [];
    this.list.push(...events.map(({payload}) => payload.seq));
    this.joins.push({resumed, complete, seq});
  }
}

export function range(first, last) {
  return Array.from({length: Math.max(0, last - first + 1)}, (_, index) => first + index);
}
