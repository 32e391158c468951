/**
 * The transport over long-polling: one request after the other, each held by the server until there is something to say.
 *
 *     GET                -> 410, token T1: a session is made for us, we are open
 *     GET T1             -> 200, token T2, frames         or 204, token T1 after 10 s without any
 *     GET T2 …              (says that the frames have arrived; GET T1 once more brings the same ones again)
 *     POST, frames       -> 200 once all are handled; their replies come by GET
 *     DELETE             -> the session ends
 *
 * So an answer that was lost on the way is asked for again with the same token: neither hole nor double, and the connection
 * stays. A push that was perhaps lost cannot be sent again here: its answer tells who sent it, and durable ones have ids.
 */

import {Backoff} from "./backoff.js";
import {VERSION} from "./frame.js";
import {PostQueue} from "./post_queue.js";
import {delayOf} from "./request.js";
import {ABNORMAL, REFUSED, TRY_AGAIN_LATER} from "./transport.js";

export const TOKEN_HEADER = "X-Phoenix-Longpoll-Token";
/**
 * The server holds a poll for 10 s. One that is silent for longer was lost, and is repeated before the server ends the
 * session, 25 s after its last poll began; if it was only slow, nothing is lost by asking again.
 */
export const POLL_MS = 13_000;
/** Polls that fail for so long end the transport: by then there is no session any more. */
export const FAILING_MS = 15_000;
/** The widest window between two tries in that time. */
const WIDEST_MS = 4000;
/** What a last try gets at the end of that time. */
const LAST_MS = 1000;
/** What comes sooner and brings nothing was not held: asked again at once, it would come as fast as the network goes. */
const HELD_MS = 1000;
/** A request for a session that is younger is not made again by a wake-up: each may make one. */
const YOUNG_MS = 1000;
/** A farewell that nobody waits for. */
const FAREWELL_MS = 10_000;

/**
 * @typedef {import("./frame.js").Payload} Payload
 * @typedef {import("./transport.js").Transport} Transport
 * @typedef {import("./transport.js").TransportOwner} TransportOwner
 * @typedef {{
 *   sendRequest: import("./request.js").SendRequest,
 *   clock: import("./clock.js").Clock,
 *   random: () => number,
 * }} Parts
 */

/** @implements {Transport} */
export class LongPollTransport {
  /** Every poll is answered within its time: that shows enough. */
  needsHeartbeat = false;
  #path;
  #owner;
  #sendRequest;
  #clock;
  #backoff;
  #posts;
  /** @type {string | null} names the session, and the last answer that arrived; null before it is made and once it is over */
  #token = null;
  #isClosed = false;
  #polledAt = 0;
  /** @type {number | null} */
  #failingSince = null;
  /** @type {() => void} takes back the poll, or the next one that waits for its time */
  #callOffPoll = () => {};

  /**
   * @param {string} endpoint
   * @param {TransportOwner} owner
   * @param {Parts} parts
   */
  constructor(endpoint, owner, {sendRequest, clock, random}) {
    this.#path = `${endpoint}/longpoll?vsn=${VERSION}`;
    this.#owner = owner;
    this.#sendRequest = sendRequest;
    this.#clock = clock;
    this.#backoff = new Backoff(random, WIDEST_MS);
    this.#posts = new PostQueue({clock, random}, (...post) => this.#post(...post), (answer) => this.#refused(answer));
    this.#poll();
  }

  /** @param {string} text */
  send(text) {
    this.#posts.add(text);
  }

  /** Poll anew: the one that is out may wait on a network that we have left. The same token loses nothing. */
  wake() {
    const isYoung = this.#clock.now() - this.#polledAt < YOUNG_MS;
    if (this.#token === null && (this.#isClosed || isYoung)) return;
    this.#poll();
  }

  close() {
    this.#isClosed = true;
    this.#callOffPoll();
    this.#posts.stop();
    if (this.#token !== null) this.#request("DELETE", {keepalive: true}, FAREWELL_MS, () => {});
    this.#token = null;
  }

  #poll() {
    this.#callOffPoll();
    this.#polledAt = this.#clock.now();
    this.#callOffPoll = this.#request("GET", {}, this.#patience(), (answer) => this.#polled(answer));
  }

  #patience() {
    return this.#failingSince === null ? POLL_MS : Math.max(LAST_MS, this.#leftToFail(this.#failingSince));
  }

  /** @param {number} since */
  #leftToFail(since) {
    return Math.max(0, since + FAILING_MS - this.#clock.now());
  }

  /**
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {{body?: string, keepalive?: boolean}} options
   * @param {number} timeoutMs
   * @param {(answer: Payload | null) => void} answered
   */
  #request(method, options, timeoutMs, answered) {
    /** @type {Record<string, string>} */
    const headers = this.#token === null ? {} : {[TOKEN_HEADER]: this.#token};
    if (method === "POST") headers["Content-Type"] = "application/x-ndjson";
    return this.#sendRequest({method, path: this.#path, headers, ...options}, timeoutMs, answered);
  }

  /** @param {Payload | null} answer */
  #polled(answer) {
    if (isMessages(answer)) this.#arrived(answer);
    else if (answer?.status === 410 && this.#token === null && typeof answer.token === "string") this.#opened(answer.token);
    else if (answer?.status === 410 || answer?.status === 403 || answer?.status === 500) this.#refused(answer);
    else this.#lost();
  }

  /** @param {string} token */
  #opened(token) {
    this.#token = token;
    this.#owner.opened();
    if (!this.#isClosed) this.#poll();
  }

  /** @param {{token: string, messages: string[]}} answer */
  #arrived({token, messages}) {
    this.#token = token;
    this.#failingSince = null;
    for (const text of messages) {
      if (!this.#isClosed) this.#owner.received(text);
    }
    if (this.#isClosed) return;
    const isEmpty = messages.length === 0 && this.#clock.now() - this.#polledAt < HELD_MS;
    if (isEmpty) return this.#pollIn(this.#backoff.next());
    this.#backoff.reset();
    this.#poll();
  }

  /** The answer was lost; without a session there is nothing to ask again for. */
  #lost() {
    this.#failingSince ??= this.#clock.now();
    const left = this.#leftToFail(this.#failingSince);
    if (this.#token === null || left === 0) this.#end(ABNORMAL);
    else this.#pollIn(Math.min(left, this.#backoff.next()));
  }

  /** @param {number} ms */
  #pollIn(ms) {
    this.#callOffPoll = this.#clock.after(ms, () => this.#poll());
  }

  /**
   * @param {string} body
   * @param {number} timeoutMs
   * @param {(answer: Payload | null) => void} answered
   */
  #post(body, timeoutMs, answered) {
    return this.#request("POST", {body}, timeoutMs, answered);
  }

  /**
   * There is no session, or not any more; or a post came to nothing (null), and none must overtake it.
   * @param {Payload | null} answer
   */
  #refused(answer) {
    if (answer?.status === 410) this.#token = null; // nobody to say farewell to
    this.#end(codeOf(answer), delayOf(answer));
  }

  /**
   * @param {number} code
   * @param {number} retryAfter
   */
  #end(code, retryAfter = 0) {
    this.close();
    this.#owner.closed(code, retryAfter);
  }
}

/**
 * @param {Payload | null} answer
 * @returns {answer is {token: string, messages: string[]}}
 */
function isMessages(answer) {
  if (answer === null || (answer.status !== 200 && answer.status !== 204)) return false;
  const {token, messages} = answer;
  return typeof token === "string" && Array.isArray(messages) && messages.every((text) => typeof text === "string");
}

/**
 * The close code that a WebSocket would have had.
 * @param {Payload | null} answer
 * @returns {number}
 */
function codeOf(answer) {
  if (answer?.status === 403) return REFUSED;
  if (answer?.status === 500) return TRY_AGAIN_LATER;
  return Number.isInteger(answer?.code) ? answer?.code : ABNORMAL;
}
