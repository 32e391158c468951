/** Requests that a test answers by hand (see static/client/request.js). */

import assert from "node:assert/strict";

export class HandRequests {
  all = [];
  #clock;

  constructor(clock) {
    this.#clock = clock;
  }

  /** What to give to the client. */
  send = (request, timeoutMs, answered) => {
    const sent = new HandRequest(request, timeoutMs, answered);
    sent.callOffTimeout = this.#clock.after(timeoutMs, () => sent.answer(null));
    this.all.push(sent);
    return () => sent.takeBack();
  };

  of(method) {
    return this.all.filter((request) => request.method === method);
  }

  get gets() {
    return this.of("GET");
  }

  get posts() {
    return this.of("POST");
  }

  /** The one poll that is out. */
  get poll() {
    const out = this.gets.filter(({isOver}) => !isOver);
    assert.equal(out.length, 1, "one poll is out");
    return out[0];
  }
}

class HandRequest {
  isOver = false;
  isTakenBack = false;
  #answered;

  constructor({method, path, headers, body, keepalive}, timeoutMs, answered) {
    Object.assign(this, {method, path, headers, body, keepalive, timeoutMs});
    this.#answered = answered;
  }

  get token() {
    return this.headers["X-Phoenix-Longpoll-Token"];
  }

  get lines() {
    return this.body.split("\n");
  }

  answer(answer) {
    assert.equal(this.isOver, false, "it was answered, or taken back");
    this.isOver = true;
    this.callOffTimeout();
    this.#answered(answer);
  }

  takeBack() {
    this.isTakenBack ||= !this.isOver;
    this.isOver = true;
    this.callOffTimeout();
  }
}
