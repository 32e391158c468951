/**
 * The long-poll half of the model server, as docs/notes/long-polling.md has it: an answer with frames is kept until
 * a poll with its token has come; a poll that repeats the last token gets it again; a newer poll replaces one that is held.
 *
 * Its network loses requests, and answers whose request the server has carried out. Requests overtake each other.
 */

import {decode, encode} from "../../../static/client/frame.js";

const HEADER = "X-Phoenix-Longpoll-Token";
const WINDOW_MS = 10_000;
/** From the beginning of the last poll. */
const IDLE_MS = 25_000;
const MAX_LINES = 300;
const MAX_BYTES = 256 * 1024;
const CLOSINGS = [{}, {}, {code: 1012, reason: "restarting", retry_after: 500}, {code: 4008, reason: "too slow"}];

export class ModelLongPoll {
  sessions = new Map();
  requests = 0;
  lost = 0;
  #server;
  #clock;
  #random;

  constructor(server, clock, random) {
    this.#server = server;
    this.#clock = clock;
    this.#random = random;
  }

  /** Carry a request there and its answer back (see static/client/request.js). */
  sendRequest = (request, timeoutMs, answered) => {
    let isOver = false;
    const finish = (answer) => {
      if (isOver) return;
      isOver = true;
      callOff();
      answered(answer);
    };
    const callOff = this.#clock.after(timeoutMs, () => finish(null));
    this.requests += 1;
    const isLost = this.#server.happens(request.method === "GET" ? "poll" : "post");
    if (isLost) this.#lose(request, finish);
    else this.#soon(() => this.#handle(request, (answer) => this.#soon(() => finish(answer))));
    return () => {
      isOver = true;
      callOff();
    };
  };

  #soon(act) {
    this.#clock.after(Math.floor(this.#random() * 150), act);
  }

  /** Lose the request, or its answer; that may be noticed at once, or never. */
  #lose(request, finish) {
    const noticed = this.#server.happens("silence") ? () => {} : () => this.#soon(() => finish(null));
    this.lost += 1;
    if (this.#random() < 0.5) noticed();
    else this.#soon(() => this.#handle(request, noticed));
  }

  #handle({method, headers, body}, answer) {
    const token = headers[HEADER];
    if (token === undefined) return answer(this.#begin());
    const [id, number] = token.split(".");
    const session = this.sessions.get(id);
    if (session === undefined) answer({status: 410, token: null, messages: []});
    else if (method === "GET") session.poll(Number(number), answer);
    else if (method === "POST") session.post(body, answer);
    else session.leave(answer);
  }

  #begin() {
    if (this.#server.happens("connect")) return {status: 500, code: "overloaded", retry_after: 300};
    const id = String(this.sessions.size + 1);
    this.sessions.set(id, new ModelSession(id, this.#server, this.#clock, this.#random));
    return {status: 410, token: `${id}.1`, messages: []};
  }
}

/** One session: for the model server a connection as any other. */
class ModelSession {
  joinRef = null;
  #id;
  #server;
  #clock;
  #random;
  #number = 1;
  #mailbox = [];
  #kept = null;
  #held = null;
  #closing = null;
  #lastArrival = 0;
  #callOffIdle = () => {};

  constructor(id, server, clock, random) {
    this.#id = id;
    this.#server = server;
    this.#clock = clock;
    this.#random = random;
    server.admit(this);
    this.#rest();
  }

  poll(number, answer) {
    if (this.#held !== null) this.#answerHeld({status: 204, token: this.#token, messages: []});
    if (number === this.#number + 1 && this.#kept !== null) this.#acknowledge();
    this.#rest();
    if (number !== this.#number) return answer({status: 410, token: null, messages: []}); // overtaken by its successors
    const callOff = this.#clock.after(WINDOW_MS, () => this.#answerHeld({status: 204, token: this.#token, messages: []}));
    this.#held = {answer, callOff};
    this.#flush();
  }

  post(body, answer) {
    const lines = body.split("\n");
    if (lines.length > MAX_LINES || body.length > MAX_BYTES) throw new Error("a post is too large");
    if (this.#closing !== null) return answer({status: 410, ...this.#closing});
    if (this.#server.happens("away")) return answer({status: 503, code: "unavailable", retry_after: 1000});
    for (const line of lines) this.later(() => this.#server.receive(this, decode(line)));
    this.later(() => answer(this.#closing === null ? {status: 200} : {status: 410, ...this.#closing}));
  }

  leave(answer) {
    this.abandon();
    answer({status: 200});
  }

  /** Act after a while, unless it has ended by then (the answer to a post comes in any case); in the order of the calls. */
  later(act) {
    this.#lastArrival = Math.max(this.#lastArrival, this.#clock.now() + Math.floor(this.#random() * 100));
    this.#clock.after(this.#lastArrival - this.#clock.now(), act);
  }

  send(frame) {
    if (this.#closing !== null) return;
    this.#mailbox.push(encode(frame));
    this.#flush();
  }

  reply({joinRef, ref, topic}, status, response) {
    this.send({joinRef, ref, topic, event: "phx_reply", payload: {status, response}});
  }

  lose() {
    if (this.#closing !== null) return;
    this.abandon(CLOSINGS[Math.floor(this.#random() * CLOSINGS.length)]);
    this.#flush();
  }

  abandon(closing = {}) {
    this.#closing ??= closing;
    this.#server.forget(this);
  }

  get #token() {
    return `${this.#id}.${this.#number}`;
  }

  #acknowledge() {
    this.#number += 1;
    this.#kept = null;
  }

  #flush() {
    if (this.#held === null) return;
    if (this.#kept === null && this.#mailbox.length > 0) {
      this.#kept = {status: 200, token: `${this.#id}.${this.#number + 1}`, messages: this.#mailbox};
      this.#mailbox = [];
    }
    if (this.#kept !== null) this.#answerHeld(this.#kept);
    else if (this.#closing !== null) this.#answerHeld({status: 410, token: null, messages: [], ...this.#closing});
  }

  #answerHeld(answer) {
    const {answer: tell, callOff} = this.#held;
    this.#held = null;
    callOff();
    tell(answer);
  }

  #rest() {
    this.#callOffIdle();
    this.#callOffIdle = this.#clock.after(IDLE_MS, () => this.abandon());
  }
}
