/**
 * A model of the server and of a bad network: one topic, its journal, and any number of WebSockets whose frames take
 * their time and get lost with the connection; model_longpoll.mjs adds polls. What it does wrong it does as a real one
 * may: it loses connections at any moment (between storing a push and answering it, too), is late with replies, refuses
 * for a while, and now and then does not send an event to somebody, or sends it twice.
 */

import {decode, encode} from "../../../static/client/frame.js";

const TOPIC = "class:7";
const CLOSE_CODES = [1000, 1001, 1006, 1011, 1012, 4008, 4009];

/** How likely each mishap is, each time that it could happen. */
export const CALM = {
  connect: 0, drop: 0, refuse: 0, ignore: 0, skip: 0, repeat: 0, poll: 0, post: 0, silence: 0, away: 0,
};
const STORM = {
  connect: 0.3, drop: 0.04, refuse: 0.1, ignore: 0.03, skip: 0.03, repeat: 0.05, poll: 0.08, post: 0.05, silence: 0.5, away: 0.03,
};

export class ModelServer {
  epoch = "e1";
  /** The journal: what the topic's events are, the first at 0 with `seq` 1. */
  events = [];
  /** For each id how often it was stored. */
  stored = new Map();
  mishaps = STORM;
  #clock;
  #random;
  #mostMissed;
  #connections = new Set();

  /** `mostMissed`: how many events a join brings at most; more, and its reply is not complete. */
  constructor(clock, random, {mostMissed = Infinity} = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#mostMissed = mostMissed;
  }

  /** From now on nothing goes wrong. */
  calmDown() {
    this.mishaps = CALM;
  }

  happens(mishap) {
    return this.#random() < this.mishaps[mishap];
  }

  /** Open a WebSocket (see static/client/transport.js). */
  webSocket = (endpoint, owner) => {
    const transport = new ModelWebSocket(owner);
    const connection = new ModelConnection(this, this.#clock, this.#random, transport.owner);
    transport.connection = connection;
    connection.later(() => {
      if (this.happens("connect")) return connection.lose();
      this.admit(connection);
      transport.owner.opened();
    });
    return transport;
  };

  /** Send a connection what is broadcast from now on. */
  admit(connection) {
    this.#connections.add(connection);
  }

  forget(connection) {
    this.#connections.delete(connection);
  }

  /** Lose every connection in the same moment, as a server does that is killed. */
  killConnections() {
    for (const connection of [...this.#connections]) connection.lose();
  }

  /** Restored from a backup: the journal is another one. */
  restore(epoch, events) {
    this.epoch = epoch;
    this.events = events;
    this.killConnections();
  }

  receive(connection, frame) {
    if (this.happens("drop")) return connection.lose();
    if (frame.event === "heartbeat") connection.reply(frame, "ok", {});
    else if (frame.event === "phx_join") this.#join(connection, frame);
    else if (this.happens("ignore")) return;
    else if (this.happens("refuse")) connection.reply(frame, "error", this.#refusal());
    else this.#push(connection, frame);
    if (this.happens("drop")) connection.lose();
  }

  /** It listens from now on, and gets its reply later: events may come before it. */
  #join(connection, frame) {
    connection.joinRef = frame.joinRef;
    connection.later(() => {
      if (connection.joinRef !== frame.joinRef || this.happens("ignore")) return;
      if (this.happens("refuse")) connection.reply(frame, "error", this.#refusal());
      else connection.reply(frame, "ok", this.#joinReply(frame.payload));
    });
  }

  #joinReply({since, epoch}) {
    const missed = since === undefined || epoch !== this.epoch ? null : this.events.slice(since);
    const complete = since === undefined || (missed !== null && missed.length <= this.#mostMissed);
    const newest = this.events.slice(-Math.min(50, this.#mostMissed));
    const events = complete && missed !== null ? missed : newest;
    return {epoch: this.epoch, seq: this.events.length, complete, events, state: {}, read: 0};
  }

  #push(connection, frame) {
    if (connection.joinRef === null) return connection.reply(frame, "error", {reason: "unmatched topic"});
    if (connection.joinRef !== frame.joinRef) return;
    const {id} = frame.payload;
    const first = this.events.find(({payload}) => payload.id === id);
    const event = first ?? this.#append(frame.payload);
    if (first === undefined) this.#broadcast(event);
    if (this.happens("drop")) return connection.lose();
    connection.reply(frame, "ok", {seq: event.payload.seq, at: event.payload.at});
  }

  #append(payload) {
    const event = {event: "message:sent", payload: {...payload, seq: this.events.length + 1, at: this.#clock.now()}};
    this.events.push(event);
    this.stored.set(payload.id, (this.stored.get(payload.id) ?? 0) + 1);
    return event;
  }

  #broadcast({event, payload}) {
    for (const connection of [...this.#connections]) {
      if (connection.joinRef === null || this.happens("skip")) continue;
      const times = this.happens("repeat") ? 2 : 1;
      for (let time = 0; time < times; time += 1) connection.send({joinRef: null, ref: null, topic: TOPIC, event, payload});
    }
  }

  #refusal() {
    const code = ["too_fast", "overloaded", "unavailable"][Math.floor(this.#random() * 3)];
    return {code, message: "Later.", retry_after: Math.floor(this.#random() * 3000)};
  }
}

/** One client's connection, as the server has it. */
class ModelConnection {
  joinRef = null;
  #server;
  #clock;
  #random;
  #owner;
  #lastArrival = 0;
  #isLost = false;

  constructor(server, clock, random, owner) {
    this.#server = server;
    this.#clock = clock;
    this.#random = random;
    this.#owner = owner;
  }

  /** Act after a random while, unless it is lost by then; in the order of the calls. */
  later(act) {
    this.#lastArrival = Math.max(this.#lastArrival, this.#clock.now() + Math.floor(this.#random() * 300));
    this.#clock.after(this.#lastArrival - this.#clock.now(), () => {
      if (!this.#isLost) act();
    });
  }

  send(frame) {
    const text = encode(frame);
    this.later(() => this.#owner.received(text));
  }

  reply({joinRef, ref, topic}, status, response) {
    this.send({joinRef, ref, topic, event: "phx_reply", payload: {status, response}});
  }

  receive(text) {
    this.later(() => this.#server.receive(this, decode(text)));
  }

  lose() {
    if (this.#isLost) return;
    this.abandon();
    const code = CLOSE_CODES[Math.floor(this.#random() * CLOSE_CODES.length)];
    if (this.#random() < 0.7) this.#clock.after(0, () => this.#owner.closed(code)); // else nobody tells: silence
  }

  abandon() {
    this.#isLost = true;
    this.#server.forget(this);
  }
}

/** A client's end of a connection. */
class ModelWebSocket {
  needsHeartbeat = true;
  connection = null;
  #isClosed = false;

  constructor(owner) {
    const unlessClosed = (call) => (argument) => {
      if (!this.#isClosed) call(argument);
    };
    this.owner = {
      opened: unlessClosed(() => owner.opened()),
      received: unlessClosed((text) => owner.received(text)),
      closed: unlessClosed((code) => owner.closed(code)),
    };
  }

  send(text) {
    this.connection.receive(text);
  }

  wake() {}

  close() {
    this.#isClosed = true;
    this.connection.abandon();
  }
}
