/**
 * A network that a test plays by hand: each connection attempt is a transport (see static/client/transport.js) that the
 * test opens, answers and loses. Polls fail, as those of a server that is down, unless the test says otherwise.
 */

import assert from "node:assert/strict";

import {decode, encode} from "../../../static/client/frame.js";

export class HandNetwork {
  webSockets = [];
  polls = [];
  pollsFail = true;
  #clock;
  /** What to give to the client. */
  transports = {
    websocket: (endpoint, owner) => this.#webSocket(endpoint, owner),
    longpoll: (endpoint, owner) => this.#poll(endpoint, owner),
  };

  constructor(clock) {
    this.#clock = clock;
  }

  get webSocket() {
    return this.webSockets.at(-1);
  }

  get poll() {
    return this.polls.at(-1);
  }

  #webSocket(endpoint, owner) {
    const webSocket = new HandTransport(endpoint, owner, {needsHeartbeat: true});
    this.webSockets.push(webSocket);
    return webSocket;
  }

  #poll(endpoint, owner) {
    const poll = new HandTransport(endpoint, owner, {needsHeartbeat: false});
    this.polls.push(poll);
    if (this.pollsFail) this.#clock.after(0, () => poll.isClosed || poll.lose());
    return poll;
  }
}

export class HandTransport {
  sent = [];
  isClosed = false;
  #owner;
  #answered = 0;

  wakes = 0;

  constructor(endpoint, owner, {needsHeartbeat}) {
    this.endpoint = endpoint;
    this.needsHeartbeat = needsHeartbeat;
    this.#owner = owner;
  }

  wake() {
    this.wakes += 1;
  }

  send(text) {
    assert.equal(this.isClosed, false, "nothing may be sent on a closed transport");
    this.sent.push(decode(text));
  }

  close() {
    this.isClosed = true;
  }

  /** The handshake passes. */
  accept() {
    this.#owner.opened();
  }

  /** The handshake passes, and the other side answers. */
  open() {
    this.accept();
    this.answerHeartbeats();
  }

  lose(code = 1006, retryAfter = 0) {
    this.#owner.closed(code, retryAfter);
  }

  receiveText(text) {
    if (!this.isClosed) this.#owner.received(text);
  }

  receive({joinRef = null, ref = null, topic, event, payload = {}}) {
    this.receiveText(encode({joinRef, ref, topic, event, payload}));
  }

  broadcast(topic, event, payload) {
    this.receive({topic, event, payload});
  }

  /** Frames of an event that were sent, oldest first. */
  pushes(event) {
    return this.sent.filter((frame) => frame.event === event);
  }

  push(event) {
    const frame = this.pushes(event).at(-1);
    assert.ok(frame, `no ${event} was sent`);
    return frame;
  }

  /** Answer the last push of an event. */
  reply(event, response = {}, status = "ok") {
    const {joinRef, ref, topic} = this.push(event);
    this.receive({joinRef, ref, topic, event: "phx_reply", payload: {status, response}});
  }

  /** Answer every heartbeat that was not answered yet. */
  answerHeartbeats() {
    for (const {ref, topic} of this.pushes("heartbeat").slice(this.#answered)) {
      this.#answered += 1;
      this.receive({ref, topic, event: "phx_reply", payload: {status: "ok", response: {}}});
    }
  }

  refuse(event, response) {
    this.reply(event, response, "error");
  }
}
