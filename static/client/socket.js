/**
 * A page's connection to the server, over whatever route there is: begins anew when it is lost, and gives each topic's
 * frames to its channel.
 *
 *     import {Socket} from "/static/client/socket.js";
 *     const socket = new Socket("/students/socket", {user: "17"});
 *     const channel = socket.channel("class:7", {present: true});
 *     channel.on("message:sent", show);
 *     channel.join();
 *     socket.connect();
 *
 * The reasons: docs/notes/browser-client.md.
 */

import {Backoff} from "./backoff.js";
import {Channel} from "./channel.js";
import {pageEnvironment} from "./environment.js";
import {Disconnected} from "./errors.js";
import {Listeners} from "./listeners.js";
import {Route} from "./route.js";

/** The server's close codes (channels/errors.py) that ask for something else than to come back after a while. */
const SIGNED_OUT = 4001;
const TOO_SLOW = 4008;

/** A connection that held so long was a good one; one that a filter kills at once must not bring us back at once. */
export const STEADY_MS = 10_000;
/**
 * The least time between two attempts that a wake-up, a key or a click hastens: who types through an outage connects no more
 * often than the narrow windows of the backoff would.
 */
export const WAKE_GAP_MS = 2000;
/** The longest that a server may send us away for: longer, and nobody would know that the page still tries. */
export const MAX_AWAY_MS = 300_000;

/**
 * `status` is "offline" also while attempts go on, as long as the browser knows that there is no network. `retryAt`: when the
 * next attempt will be, in ms since 1970; null while one runs, or when none will be. `transport`: what carries; null unless
 * online.
 * @typedef {"connecting" | "online" | "reconnecting" | "offline" | "signed_out"} Status
 * @typedef {import("./transport.js").Kind} Kind
 * @typedef {{status: Status, retryAt: number | null, transport: Kind | null}} SocketState
 */

export class Socket {
  #environment;
  #backoff;
  #route;
  /** @type {SocketState} */
  #state = {status: "offline", retryAt: null, transport: null};
  /** @type {Listeners<[SocketState]>} */
  #onState = new Listeners();
  /** @type {Map<string, Channel>} */
  #channels = new Map();
  /** @type {Listeners<[Channel]>} */
  #onChannel = new Listeners();
  #lastRef = 0;
  #isWanted = false;
  #wasOnline = false;
  #attemptedAt = 0;
  #openedAt = 0;
  /** Until when the server does not want us. */
  #awayUntil = 0;
  /** @type {() => void} */
  #callOffRetry = () => {};
  /** @type {(() => void)[]} */
  #unwatch = [];

  /**
   * @param {string} endpoint a role's socket on this page's server, such as /students/socket
   * @param {{user?: string | null, environment?: Partial<import("./environment.js").Environment>}} options
   *   `user` (whatever names the user who is signed in) lets unsent pushes survive a reload of the page
   */
  constructor(endpoint, {user = null, environment = {}} = {}) {
    this.#environment = {...pageEnvironment(user), ...environment};
    this.#backoff = new Backoff(this.#environment.random);
    this.#route = new Route(endpoint, this.#environment, () => this.#nextRef(), {
      carries: (kind) => this.#carries(kind),
      received: (frame) => this.#channels.get(frame.topic)?.receive(frame),
      ended: (code, retryAfter) => this.#ended(code, retryAfter),
    });
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
    this.#onChannel.emit(channel);
    return channel;
  }

  /** Call with each channel: those that there are, and each that is made. @param {(channel: Channel) => void} listener */
  onChannel(listener) {
    this.#onChannel.add(listener);
    this.#channels.forEach((channel) => listener(channel));
  }

  /** Connect, and stay connected until `disconnect` or until the server says that nobody is signed in. */
  connect() {
    if (this.#isWanted) return;
    this.#isWanted = true;
    const {watchWakeups, watchUse, watchNetwork, watchLeaving} = this.#environment;
    this.#unwatch = [
      watchNetwork(() => this.#route.networkChanged()),
      watchWakeups(() => this.#wake()),
      watchUse(() => this.tryNow()),
      watchLeaving(() => this.#leave()),
    ];
    this.#attempt();
  }

  /** Make the next attempt now, or as soon as `WAKE_GAP_MS` and the server allow; nothing happens unless one is waited for. */
  tryNow() {
    const {retryAt} = this.#state;
    if (retryAt === null) return;
    const earliest = Math.max(this.#attemptedAt + WAKE_GAP_MS, this.#awayUntil);
    this.#retryIn(Math.max(0, Math.min(earliest, retryAt) - this.#environment.clock.now()));
  }

  /** Disconnect, and stay so. */
  disconnect() {
    this.#giveUp("offline");
  }

  /** @returns {import("./channel.js").Wire} */
  #wire() {
    return {
      isOpen: () => this.#route.current !== null,
      nextRef: () => this.#nextRef(),
      push: (push, timeoutMs, answered) => {
        if (this.#route.current !== null) this.#route.current.push(push, timeoutMs, answered);
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
    this.#moveTo(this.#seeking);
    this.#route.start();
  }

  /**
   * There is a connection, or another than before: then the channels go on over it from where they are.
   * @param {Kind} kind
   */
  #carries(kind) {
    if (this.#state.status !== "online") this.#openedAt = this.#environment.clock.now();
    this.#wasOnline = true;
    for (const channel of this.#channels.values()) channel.disconnected();
    this.#moveTo("online", null, kind);
    for (const channel of this.#channels.values()) channel.connected();
  }

  /**
   * @param {number} code
   * @param {number} retryAfter
   */
  #ended(code, retryAfter) {
    const {clock} = this.#environment;
    const wasOpen = this.#state.status === "online";
    for (const channel of this.#channels.values()) channel.disconnected();
    if (code === SIGNED_OUT) return this.#signedOut();
    if (!wasOpen) this.#askWhetherSignedIn();
    const away = Math.min(retryAfter, MAX_AWAY_MS);
    this.#awayUntil = clock.now() + away;
    this.#retryIn(away + this.#delayAfter(code, wasOpen));
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
    const {clock} = this.#environment;
    this.#callOffRetry();
    this.#callOffRetry = clock.after(ms, () => this.#attempt());
    this.#moveTo(this.#seeking, clock.now() + ms);
  }

  /** The status while there is no connection; the same through all attempts, so that it is said once. */
  get #seeking() {
    if (this.#environment.networkIsDown()) return "offline";
    return this.#wasOnline ? "reconnecting" : "connecting";
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
    for (const end of this.#unwatch) end();
    this.#callOffRetry();
    this.#stop();
    this.#moveTo(status);
  }

  #stop() {
    for (const channel of this.#channels.values()) channel.disconnected();
    this.#route.stop();
  }

  /** The page goes away: the server need not wait for it. Should it come back, that is a wake-up. */
  #leave() {
    if (this.#route.isIdle) return;
    this.#stop();
    this.#retryIn(this.#backoff.next());
  }

  /** Somebody looks, or the network changed: a good moment to try, or to see whether the connection still carries. */
  #wake() {
    if (this.#route.isIdle) return this.tryNow();
    if (this.#state.status !== "online") this.#moveTo(this.#seeking);
    this.#route.probe();
  }

  /**
   * @param {Status} status
   * @param {number | null} retryAt
   * @param {Kind | null} transport
   */
  #moveTo(status, retryAt = null, transport = null) {
    const {status: was, retryAt: wasAt, transport: by} = this.#state;
    if (was === status && wasAt === retryAt && by === transport) return;
    this.#state = {status, retryAt, transport};
    this.#onState.emit(this.#state);
  }
}
