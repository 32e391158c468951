/**
 * A page's way to the server: keeps one connection open, makes a new one when it is lost, and gives each topic's frames to
 * its channel.
 *
 *     import {Socket} from "/static/client/socket.js";
 *     const socket = new Socket("/students/socket", {user: "17"});
 *     const channel = socket.channel("class:7", {present: true});
 *     channel.on("message:sent", show);
 *     channel.join();
 *     socket.connect();
 */

import {Backoff} from "./backoff.js";
import {Channel} from "./channel.js";
import {Connection} from "./connection.js";
import {pageEnvironment} from "./environment.js";
import {Disconnected} from "./errors.js";
import {Listeners} from "./listeners.js";

/** The server's close codes (channels/errors.py) that ask for something else than to come back after a while. */
const SIGNED_OUT = 4001;
const TOO_SLOW = 4008;

/** A connection that held so long was a good one; one that a filter kills at once must not bring us back at once. */
export const STEADY_MS = 10_000;
/** The least time between two attempts that wake-ups cause: a user who goes to and fro between windows is no herd. */
export const WAKE_GAP_MS = 1000;

/**
 * `retryAt`: when the next attempt will be, in ms since 1970; null while one runs, or when none will be.
 * @typedef {"connecting" | "online" | "reconnecting" | "offline" | "signed_out"} Status
 * @typedef {{status: Status, retryAt: number | null}} SocketState
 * @typedef {import("./frame.js").Frame} Frame
 */

export class Socket {
  #endpoint;
  #environment;
  #backoff;
  /** @type {SocketState} */
  #state = {status: "offline", retryAt: null};
  /** @type {Listeners<[SocketState]>} */
  #onState = new Listeners();
  /** @type {Map<string, Channel>} */
  #channels = new Map();
  /** @type {Connection | null} */
  #connection = null;
  #lastRef = 0;
  #isWanted = false;
  #wasOnline = false;
  #attemptedAt = 0;
  #openedAt = 0;
  /** @type {() => void} */
  #callOffRetry = () => {};
  /** @type {() => void} */
  #unwatch = () => {};

  /**
   * @param {string} endpoint a role's socket on this page's server, such as /students/socket
   * @param {{user?: string | null, environment?: Partial<import("./environment.js").Environment>}} options
   *   `user` (whatever names the user who is signed in) lets unsent pushes survive a reload of the page
   */
  constructor(endpoint, {user = null, environment = {}} = {}) {
    this.#endpoint = endpoint;
    this.#environment = {...pageEnvironment(user), ...environment};
    this.#backoff = new Backoff(this.#environment.random);
  }

  get state() {
    return this.#state;
  }

  /**
   * Call with the state: now, and after each change.
   * @param {(state: SocketState) => void} listener
   * @returns {() => void} ends it
   */
  onState(listener) {
    const remove = this.#onState.add(listener);
    listener(this.#state);
    return remove;
  }

  /**
   * The channel of a topic, made by the first call; `params` (such as `{present: true}`) are sent with its joins.
   * @param {string} topic
   * @param {Record<string, unknown>} params
   */
  channel(topic, params = {}) {
    const known = this.#channels.get(topic);
    if (known !== undefined) return known;
    const channel = new Channel(topic, params, this.#wire(), this.#environment);
    this.#channels.set(topic, channel);
    return channel;
  }

  /** Connect, and stay connected until `disconnect` or until the server says that nobody is signed in. */
  connect() {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#unwatch = this.#environment.watchWakeups(() => this.#wake());
    this.#attempt();
  }

  /** Disconnect, and stay so. */
  disconnect() {
    this.#giveUp("offline");
  }

  /** @returns {import("./channel.js").Wire} */
  #wire() {
    return {
      isOpen: () => this.#connection?.isOpen ?? false,
      nextRef: () => this.#nextRef(),
      push: (push, timeoutMs, answered) => {
        if (this.#connection?.isOpen) this.#connection.push(push, timeoutMs, answered);
        else answered(new Disconnected(), {});
      },
    };
  }

  /** References go on over all connections: no late frame of one is ever taken for another's. */
  #nextRef() {
    this.#lastRef += 1;
    return String(this.#lastRef);
  }

  #attempt() {
    this.#callOffRetry();
    this.#attemptedAt = this.#environment.clock.now();
    this.#moveTo(this.#wasOnline ? "reconnecting" : "connecting");
    const {Transport, clock} = this.#environment;
    const parts = {endpoint: this.#endpoint, Transport, clock, nextRef: () => this.#nextRef()};
    this.#connection = new Connection(parts, {
      opened: () => this.#opened(),
      received: (frame) => this.#channels.get(frame.topic)?.receive(frame),
      closed: (code) => this.#closed(code),
    });
  }

  #opened() {
    this.#wasOnline = true;
    this.#openedAt = this.#environment.clock.now();
    this.#moveTo("online");
    for (const channel of this.#channels.values()) channel.connected();
  }

  /** @param {number} code */
  #closed(code) {
    const wasOpen = this.#state.status === "online";
    this.#dropConnection();
    if (code === SIGNED_OUT) return this.#signedOut();
    if (!wasOpen) this.#askWhetherSignedIn();
    this.#retryIn(this.#delayAfter(code, wasOpen));
  }

  /**
   * @param {number} code
   * @param {boolean} wasOpen
   */
  #delayAfter(code, wasOpen) {
    const wasSteady = wasOpen && this.#environment.clock.now() - this.#openedAt >= STEADY_MS;
    if (wasSteady) this.#backoff.reset();
    const delay = this.#backoff.next();
    return code === TOO_SLOW && wasSteady ? 0 : delay;
  }

  /** @param {number} ms */
  #retryIn(ms) {
    const {clock, networkIsDown} = this.#environment;
    this.#callOffRetry();
    this.#callOffRetry = clock.after(ms, () => this.#attempt());
    const waiting = this.#wasOnline ? "reconnecting" : "connecting";
    this.#moveTo(networkIsDown() ? "offline" : waiting, clock.now() + ms);
  }

  /** A refused attempt looks like any failed one: ask, while the attempts go on. */
  async #askWhetherSignedIn() {
    if (await this.#environment.mayBeSignedIn()) return;
    if (this.#isWanted && this.#state.status !== "online") this.#signedOut();
  }

  #signedOut() {
    this.#environment.store.clear();
    this.#giveUp("signed_out");
  }

  /** @param {Status} status */
  #giveUp(status) {
    this.#isWanted = false;
    this.#wasOnline = false;
    this.#unwatch();
    this.#callOffRetry();
    this.#dropConnection();
    this.#moveTo(status);
  }

  #dropConnection() {
    const connection = this.#connection;
    this.#connection = null;
    for (const channel of this.#channels.values()) channel.disconnected();
    connection?.close();
  }

  /** Somebody looks, or the network changed: a good moment to try, or to see whether the connection still carries. */
  #wake() {
    if (this.#connection !== null) return this.#connection.probe();
    const {clock} = this.#environment;
    const earliest = this.#attemptedAt + WAKE_GAP_MS;
    this.#retryIn(Math.max(0, Math.min(earliest, this.#state.retryAt ?? earliest) - clock.now()));
  }

  /**
   * @param {Status} status
   * @param {number | null} retryAt
   */
  #moveTo(status, retryAt = null) {
    if (this.#state.status === status && this.#state.retryAt === retryAt) return;
    this.#state = {status, retryAt};
    this.#onState.emit(this.#state);
  }
}
