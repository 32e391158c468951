/**
 * One connection, from its attempt to its end: numbers pushes, hands each reply to who asked, and notices when the other
 * side is gone. It is never opened again: the socket makes a new one.
 */

import {Disconnected, Refused, TimedOut} from "./errors.js";
import {CONNECTION_TOPIC, decode, encode, HEARTBEAT, REPLY} from "./frame.js";
import {Heartbeat} from "./heartbeat.js";

/** An attempt that got no answer at all; some firewalls drop a connection's packets without a word. */
export const OPEN_MS = 15_000;

/** The code we give to an end that no close frame told us of (RFC 6455 section 7.1.5). */
const ABNORMAL = 1006;

/**
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./frame.js").Payload} Payload
 * @typedef {(error: Error | null, response: Payload) => void} Answered
 * @typedef {{opened: () => void, received: (frame: Frame) => void, closed: (code: number) => void}} ConnectionOwner
 * @typedef {{joinRef: string | null, ref?: string, topic: string, event: string, payload: Payload}} Push
 */

export class Connection {
  #clock;
  #owner;
  #heartbeat;
  #transport;
  #nextRef;
  #callOffOpening;
  #isOpen = false;
  #isEnded = false;
  /** @type {Map<string, {answered: Answered, callOff: () => void}>} */
  #asked = new Map();

  /**
   * @param {{
   *   endpoint: string,
   *   Transport: import("./websocket_transport.js").TransportClass,
   *   clock: import("./clock.js").Clock,
   *   nextRef: () => string,
   * }} parts
   * @param {ConnectionOwner} owner
   */
  constructor({endpoint, Transport, clock, nextRef}, owner) {
    this.#clock = clock;
    this.#owner = owner;
    this.#nextRef = nextRef;
    this.#heartbeat = new Heartbeat(clock, () => this.#beat(), () => this.#end(ABNORMAL));
    this.#callOffOpening = clock.after(OPEN_MS, () => this.#end(ABNORMAL));
    this.#transport = new Transport(endpoint, {
      opened: () => this.#opened(),
      received: (text) => this.#received(text),
      closed: (code) => this.#end(code),
    });
  }

  get isOpen() {
    return this.#isOpen;
  }

  /**
   * Send a push; `answered` is called exactly once: with its response, or with why there is none.
   * @param {Push} push
   * @param {number} timeoutMs
   * @param {Answered} answered
   */
  push(push, timeoutMs, answered) {
    const ref = push.ref ?? this.#nextRef();
    const callOff = this.#clock.after(timeoutMs, () => this.#timedOut(ref));
    this.#asked.set(ref, {answered, callOff});
    this.#transport.send(encode({...push, ref}));
  }

  /** Look now whether the other side is still there. */
  probe() {
    if (this.#isOpen) this.#heartbeat.probe();
  }

  /** End it, without a word to the owner. */
  close() {
    this.#owner = {opened() {}, received() {}, closed() {}};
    this.#end(ABNORMAL);
  }

  #opened() {
    this.#isOpen = true;
    this.#callOffOpening();
    this.#heartbeat.start();
    this.#owner.opened();
  }

  /** @param {string} text */
  #received(text) {
    this.#heartbeat.heard();
    const frame = decode(text);
    if (frame === null) this.#end(ABNORMAL); // not our server: a proxy, or a sign-in page of the network
    else if (frame.event === REPLY && frame.ref !== null) this.#replied(frame.ref, frame.payload);
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
  }

  /** No answer: a slow server, or a connection that is dead. Which, a heartbeat tells sooner than the next one due. @param {string} ref */
  #timedOut(ref) {
    this.#settle(ref, new TimedOut(), {});
    this.probe();
  }

  #beat() {
    const ref = this.#nextRef();
    this.#transport.send(encode({joinRef: null, ref, topic: CONNECTION_TOPIC, event: HEARTBEAT, payload: {}}));
  }

  /** @param {number} code */
  #end(code) {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#isOpen = false;
    this.#callOffOpening();
    this.#heartbeat.stop();
    this.#transport.close();
    this.#owner.closed(code);
    for (const ref of [...this.#asked.keys()]) this.#settle(ref, new Disconnected(), {});
  }
}
