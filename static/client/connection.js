/**
 * One connection, from its attempt to its end: numbers pushes, hands each reply to who asked, and notices when the other
 * side is gone. It is never opened again: the route makes a new one.
 *
 *     opening --handshake--> asking --first answer--> open --> ended
 *        '----------------------'--------------------------------^
 *
 * It counts from the first answer, not from the handshake: a filter may let a WebSocket open and then swallow its frames.
 */

import {Disconnected, Refused, TimedOut} from "./errors.js";
import {CONNECTION_TOPIC, decode, encode, HEARTBEAT, REPLY} from "./frame.js";
import {ANSWER_MS, Heartbeat, INTERVAL_MS} from "./heartbeat.js";
import {ABNORMAL} from "./transport.js";

/** An attempt that got no answer at all; some firewalls drop a connection's packets without a word. */
export const OPEN_MS = 15_000;

/**
 * A push without an answer for so long is a reason to see whether the connection still carries. The answer to that comes
 * behind the push's own, and the server takes up to 5 s to fail one when its database is away: that is no silence yet.
 */
export const DOUBT_MS = 4000;

/**
 * `opened` is called at most once; `silent` when it should have answered by now and may yet; `closed` once, and last, with
 * how many milliseconds the server asks us to stay away.
 * @typedef {{
 *   opened: () => void,
 *   received: (frame: Frame) => void,
 *   silent: () => void,
 *   closed: (code: number, retryAfter: number) => void,
 * }} ConnectionOwner
 *
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./frame.js").Payload} Payload
 * @typedef {(error: Error | null, response: Payload) => void} Answered
 * @typedef {{joinRef: string | null, ref?: string, topic: string, event: string, payload: Payload}} Push
 */

const BEAT = {joinRef: null, topic: CONNECTION_TOPIC, event: HEARTBEAT, payload: {}};

/** @type {ConnectionOwner} */
const NOBODY = {opened() {}, received() {}, silent() {}, closed() {}};

export class Connection {
  #clock;
  #owner;
  #heartbeat;
  #transport;
  #nextRef;
  #callOffOpening;
  /** @type {"opening" | "asking" | "open" | "ended"} */
  #state = "opening";
  #isRetiring = false;
  /** @type {Map<string, {answered: Answered, callOff: () => void}>} */
  #asked = new Map();

  /** When it was begun, and when it opened; in ms since 1970. */
  startedAt;
  /** @type {number | null} */
  openedAt = null;

  /**
   * @param {{
   *   endpoint: string,
   *   openTransport: import("./transport.js").OpenTransport,
   *   clock: import("./clock.js").Clock,
   *   nextRef: () => string,
   * }} parts
   * @param {ConnectionOwner} owner
   */
  constructor({endpoint, openTransport, clock, nextRef}, owner) {
    this.#clock = clock;
    this.#owner = owner;
    this.#nextRef = nextRef;
    this.startedAt = clock.now();
    this.#callOffOpening = clock.after(OPEN_MS, () => this.#end(ABNORMAL));
    this.#transport = openTransport(endpoint, {
      opened: () => this.#connected(),
      received: (text) => this.#received(text),
      closed: (code, retryAfter = 0) => this.#end(code, retryAfter),
    });
    this.#heartbeat = new Heartbeat(
      clock,
      () => this.#beat(),
      {dead: () => this.#end(ABNORMAL), silent: () => this.#owner.silent()},
      this.#transport.needsHeartbeat ? INTERVAL_MS : Infinity,
    );
  }

  get isOpen() {
    return this.#state === "open";
  }

  /** Whether the handshake has not passed yet, or never did. */
  get isOpening() {
    return this.#state === "opening";
  }

  /** Whether it should have answered by now. */
  get isSilent() {
    return this.#heartbeat.isSilent;
  }

  /**
   * Send a push; `answered` is called exactly once: with its response, or with why there is none.
   * @param {Push} push
   * @param {number} timeoutMs
   * @param {Answered} answered
   */
  push(push, timeoutMs, answered) {
    const ref = push.ref ?? this.#nextRef();
    const callOffDoubt = this.#clock.after(DOUBT_MS, () => this.probe());
    const callOffWaiting = this.#clock.after(timeoutMs, () => this.#timedOut(ref));
    const callOff = () => {
      callOffDoubt();
      callOffWaiting();
    };
    this.#asked.set(ref, {answered, callOff});
    this.#transport.send(encode({...push, ref}));
  }

  /** Look now whether the other side is still there. */
  probe() {
    if (!this.isOpen) return;
    this.#transport.wake();
    this.#heartbeat.probe();
  }

  /**
   * Ask whether it carries. No answer will show by its end.
   * @param {() => void} answered
   */
  check(answered) {
    this.push(BEAT, ANSWER_MS, (error) => {
      if (error === null || error instanceof Refused) answered();
    });
  }

  /** Its owner has a better one: hand over no more events, wait for the answers that are due, and end. */
  retire() {
    this.#owner = NOBODY;
    this.#isRetiring = true;
    this.#endWhenDone();
  }

  /** End it, without a word to the owner. */
  close() {
    this.#owner = NOBODY;
    this.#end(ABNORMAL);
  }

  #connected() {
    this.#callOffOpening();
    if (!this.#transport.needsHeartbeat) return this.#opened();
    this.#state = "asking";
    this.#heartbeat.probe();
  }

  #opened() {
    this.#state = "open";
    this.openedAt = this.#clock.now();
    this.#owner.opened();
  }

  /** @param {string} text */
  #received(text) {
    const frame = decode(text);
    if (frame === null) return this.#end(ABNORMAL); // not our server: a proxy, or a sign-in page of the network
    this.#heartbeat.heard();
    if (this.#state === "asking") this.#opened();
    if (frame.event === REPLY && frame.ref !== null) this.#replied(frame.ref, frame.payload);
    else this.#owner.received(frame);
  }

  /**
   * @param {string} ref
   * @param {Payload} reply
   */
  #replied(ref, reply) {
    const response = reply.response ?? {};
    this.#settle(ref, reply.status === "ok" ? null : Refused.from(response), response);
  }

  /**
   * @param {string} ref
   * @param {Error | null} error
   * @param {Payload} response
   */
  #settle(ref, error, response) {
    const asked = this.#asked.get(ref);
    if (asked === undefined) return; // it came after its time
    this.#asked.delete(ref);
    asked.callOff();
    asked.answered(error, response);
    if (this.#isRetiring) this.#endWhenDone();
  }

  /** No answer: a slow server, or a connection that is dead. Which, a heartbeat tells sooner than the next one due. @param {string} ref */
  #timedOut(ref) {
    this.#settle(ref, new TimedOut(), {});
    this.probe();
  }

  #beat() {
    this.#transport.send(encode({...BEAT, ref: this.#nextRef()}));
  }

  #endWhenDone() {
    if (this.#asked.size === 0) this.#end(ABNORMAL);
  }

  /**
   * @param {number} code
   * @param {number} retryAfter
   */
  #end(code, retryAfter = 0) {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#callOffOpening();
    this.#heartbeat.stop();
    this.#transport.close();
    this.#owner.closed(code, retryAfter);
    for (const ref of [...this.#asked.keys()]) this.#settle(ref, new Disconnected(), {});
  }
}
