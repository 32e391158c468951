/**
 * A network that a test plays by hand: each connection attempt is a transport (see static/client/websocket_transport.js)
 * that the test opens, answers and loses.
 */

import assert from "node:assert/strict";

import {decode, encode} from "../../../static/client/frame.js";

export class HandNetwork {
  attempts = [];
  /** The class to give to the client. */
  Transport;

  constructor() {
    const {attempts} = this;
    this.Transport = class extends HandTransport {
      constructor(endpoint, owner) {
        super(endpoint, owner);
        attempts.push(this);
      }
    };
  }

  get last() {
    return this.attempts.at(-1);
  }
}

export class HandTransport {
  sent = [];
  isClosed = false;
  #owner;
  #answered = 0;

  constructor(endpoint, owner) {
    this.endpoint = endpoint;
    this.#owner = owner;
  }

  send(text) {
    assert.equal(this.isClosed, false, "nothing may be sent on a closed transport");
    this.sent.push(decode(text));
  }

  close() {
    this.isClosed = true;
  }

  open() {
    this.#owner.opened();
  }

  lose(code = 1006) {
    this.#owner.closed(code);
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
