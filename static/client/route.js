/**
 * The way to the server: chooses between a WebSocket and long-polling by what works, not by what opens.
 *
 * A WebSocket is tried first; one that carries nothing yet after 4 s, or that failed, gets a poll for company, and the first
 * of both that carries is used. Where WebSockets are not trusted (trust.js) the poll comes first. Beside a poll in use a
 * WebSocket is tried again when its time has come; it takes over once it has held for a while.
 *
 *     start --> WebSocket carries -------------------------> in use --lost--> ended
 *       |            ^ not within 4 s, or failed                ^
 *       '--------> poll carries --> in use, beside it a trial --' held for 5 s
 *
 * The route says what carries now (again, when it moves), and when nothing does: then somebody has to start it anew.
 */

import {Connection} from "./connection.js";
import {ABNORMAL} from "./transport.js";
import {Trust} from "./trust.js";

/** A WebSocket needs some round trips, a slow mobile network a second for each; longer, and people reload. */
export const PATIENCE_MS = 4000;
/**
 * The same after the loss of one that had carried, in mid-lesson: with the first retry within a second of the loss, and the
 * poll's own round trips, the chat goes on within 5 s.
 */
export const LOST_PATIENCE_MS = 2000;
/** A WebSocket opens in up to four round trips, a poll over a warm connection in one: so much longer is only slow. */
const SLOWNESS = 4;
/** A WebSocket that is tried beside a poll takes over after so long; filters kill within half a second. */
export const HOLD_MS = 5000;
/** One that ends so soon without a word was no good one: the time of a push in vain, and of the heartbeats after it. */
export const SHORT_MS = 30_000;

/** After the server's word that it goes so many attempts may fail without a poll to follow: a restart takes seconds. */
const EXCUSED = 2;

/** No close code came from our server, or an empty close frame did, which it does not send. */
const WORDLESS = new Set([ABNORMAL, 1005]);

/**
 * `carries` is called with what is used from now on; `ended` when nothing carries any more, or after a start nothing did.
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./transport.js").Kind} Kind
 * @typedef {{
 *   carries: (kind: Kind) => void,
 *   received: (frame: Frame) => void,
 *   ended: (code: number, retryAfter: number) => void,
 * }} RouteOwner
 */

export class Route {
  #endpoint;
  #environment;
  #clock;
  #nextRef;
  #owner;
  #trust;
  /** @type {Connection | null} */
  #webSocket = null;
  /** @type {Connection | null} */
  #poll = null;
  /** @type {Connection | null} the one of both that is used */
  #current = null;
  /** @type {{code: number, retryAfter: number} | null} how the poll of this start ended before it carried */
  #pollEnd = null;
  #wasLost = false;
  /** How many attempts may still fail because the server restarts. */
  #excused = 0;
  /** @type {() => void} tries the next transport */
  #callOffNext = () => {};
  /** @type {() => void} the judgement of the WebSocket */
  #callOffJudgement = () => {};

  /**
   * @param {string} endpoint
   * @param {import("./environment.js").Environment} environment
   * @param {() => string} nextRef
   * @param {RouteOwner} owner
   */
  constructor(endpoint, environment, nextRef, owner) {
    this.#endpoint = endpoint;
    this.#environment = environment;
    this.#clock = environment.clock;
    this.#nextRef = nextRef;
    this.#owner = owner;
    this.#trust = new Trust(environment);
  }

  /** The connection to use; null while none carries. */
  get current() {
    return this.#current;
  }

  /** Whether it is neither in use nor under way. */
  get isIdle() {
    return this.#webSocket === null && this.#poll === null;
  }

  /** Look for a way; for an idle route. */
  start() {
    const patience = this.#wasLost ? LOST_PATIENCE_MS : PATIENCE_MS;
    this.#wasLost = false;
    this.#pollEnd = null;
    if (this.#trust.prefersPoll) return this.#tryPoll();
    this.#tryWebSocket();
    this.#callOffNext = this.#clock.after(patience, () => this.#tryPoll());
  }

  /** End whatever there is, without a word. */
  stop() {
    this.#callOffNext();
    this.#callOffJudgement();
    const connections = [this.#webSocket, this.#poll];
    this.#webSocket = this.#poll = this.#current = null;
    for (const connection of connections) connection?.close();
  }

  /** Look now whether what is used, or comes to be used, still carries. */
  probe() {
    (this.#current ?? this.#poll)?.probe();
  }

  /** The page may be on another network: there a WebSocket may do. */
  networkChanged() {
    this.#trust.networkChanged();
    if (this.#isPolling && this.#webSocket === null) this.#planTrial();
  }

  get #isPolling() {
    return this.#current !== null && this.#current === this.#poll;
  }

  /**
   * @param {Kind} kind
   * @param {Omit<import("./connection.js").ConnectionOwner, "received">} owner
   */
  #connect(kind, owner) {
    const {clock, transports} = this.#environment;
    const parts = {endpoint: this.#endpoint, openTransport: transports[kind], clock, nextRef: this.#nextRef};
    /** @type {Connection} */
    const connection = new Connection(parts, {
      ...owner,
      received: (frame) => {
        if (connection === this.#current) this.#owner.received(frame);
      },
    });
    return connection;
  }

  #tryWebSocket() {
    this.#webSocket ??= this.#connect("websocket", {
      opened: () => this.#webSocketCarries(),
      silent: () => this.#webSocketIsSilent(),
      closed: (code) => this.#webSocketEnded(code),
    });
  }

  #tryPoll() {
    this.#callOffNext();
    this.#poll ??= this.#connect("longpoll", {
      opened: () => this.#pollCarries(),
      silent: () => {},
      closed: (code, retryAfter) => this.#pollEnded(code, retryAfter),
    });
  }

  #webSocketCarries() {
    const webSocket = /** @type {Connection} */ (this.#webSocket);
    this.#callOffNext();
    this.#judgeIn(HOLD_MS, () => this.#webSocketHeld());
    if (this.#current !== null) return;
    this.#dropPoll();
    this.#use(webSocket);
  }

  #webSocketHeld() {
    const webSocket = /** @type {Connection} */ (this.#webSocket);
    this.#trust.held();
    if (this.#current === webSocket) return;
    const poll = this.#poll;
    this.#poll = null;
    this.#use(webSocket);
    poll?.retire(); // answers that are due may still come over it
  }

  /** A frame that was swallowed, or a network that we have left: look for another way while it may still answer. */
  #webSocketIsSilent() {
    const webSocket = /** @type {Connection} */ (this.#webSocket);
    if (webSocket === this.#current && webSocket.heldMs >= HOLD_MS) this.#tryPoll();
  }

  /** @param {number} code */
  #webSocketEnded(code) {
    const webSocket = /** @type {Connection} */ (this.#webSocket);
    const isWordless = WORDLESS.has(code);
    this.#webSocket = null;
    this.#callOffJudgement();
    if (webSocket === this.#current) return this.#webSocketLost(webSocket, code);
    if (isWordless && this.#isExcused()) return this.#end(code);
    if (isWordless) this.#trust.strike();
    if (this.#isPolling) this.#judgeByPoll();
    else if (!isWordless) this.#end(code);
    else if (this.#pollEnd !== null) this.#end(this.#pollEnd.code, this.#pollEnd.retryAfter);
    else this.#tryPoll();
  }

  /**
   * @param {Connection} webSocket
   * @param {number} code
   */
  #webSocketLost(webSocket, code) {
    this.#wasLost = WORDLESS.has(code);
    this.#excused = this.#wasLost ? 0 : EXCUSED;
    if (this.#wasLost && webSocket.heldMs < SHORT_MS) this.#trust.strike();
    this.#end(code);
  }

  /** The server has said that it goes: where it does not listen, its last connections would still take a poll. */
  #isExcused() {
    if (this.#excused === 0 || this.#isPolling) return false;
    this.#excused -= 1;
    return true;
  }

  #pollCarries() {
    const poll = /** @type {Connection} */ (this.#poll);
    const lost = this.#current;
    if (lost !== null && !lost.isSilent) return this.#dropPoll(); // the WebSocket has answered after all
    if (lost !== null) this.#giveUpWebSocket();
    this.#trust.judge();
    if (this.#webSocket === null) this.#planTrial();
    else this.#judgeOpening(this.#clock.now() - poll.startedAt);
    this.#use(poll);
    lost?.close();
  }

  /**
   * @param {number} code
   * @param {number} retryAfter
   */
  #pollEnded(code, retryAfter) {
    const poll = /** @type {Connection} */ (this.#poll);
    this.#poll = null;
    this.#learnFrom(poll, code);
    if (this.#current !== null && this.#current !== poll) return; // it was company only
    if (this.#webSocket === null || !WORDLESS.has(code)) return this.#end(code, retryAfter);
    if (this.#webSocket.isOpen) return this.#use(this.#webSocket);
    if (poll === this.#current) return this.#end(code, retryAfter);
    this.#pollEnd = {code, retryAfter};
    const left = this.#webSocket.startedAt + PATIENCE_MS - this.#clock.now();
    this.#judgeIn(left, () => this.#end(code, retryAfter));
  }

  /** The WebSocket that is used was given up for the poll. */
  #giveUpWebSocket() {
    this.#webSocket = null;
    this.#callOffJudgement();
    this.#trust.strike();
  }

  /**
   * A poll carries. A WebSocket that has not even opened in its time then is as good as refused.
   * @param {number} pollTookMs
   */
  #judgeOpening(pollTookMs) {
    const webSocket = /** @type {Connection} */ (this.#webSocket);
    const patience = Math.max(PATIENCE_MS, SLOWNESS * pollTookMs);
    this.#judgeIn(webSocket.startedAt + patience - this.#clock.now(), () => {
      if (!webSocket.isOpening) return;
      this.#trust.strike(2);
      this.#judgeByPoll();
    });
  }

  /** A network that has just gone strikes a WebSocket as well: first see whether the poll still carries. */
  #judgeByPoll() {
    const poll = this.#poll;
    poll?.check(() => {
      if (poll !== this.#current) return;
      this.#trust.judge();
      if (this.#webSocket === null) this.#planTrial();
    });
  }

  /**
   * @param {Connection} poll
   * @param {number} code
   */
  #learnFrom(poll, code) {
    if (poll.heldMs >= SHORT_MS) this.#trust.pollHeld();
    else if (WORDLESS.has(code)) this.#trust.pollFailed();
    else this.#trust.acquit();
  }

  #planTrial() {
    this.#callOffNext();
    this.#callOffNext = this.#clock.after(this.#trust.trialIn(), () => {
      this.#tryWebSocket();
      this.#judgeOpening(0);
    });
  }

  /**
   * Judge the WebSocket after a while, whatever was to be judged before.
   * @param {number} ms
   * @param {() => void} judge
   */
  #judgeIn(ms, judge) {
    this.#callOffJudgement();
    this.#callOffJudgement = this.#clock.after(Math.max(0, ms), judge);
  }

  /** @param {Connection} connection */
  #use(connection) {
    this.#current = connection;
    this.#owner.carries(connection === this.#poll ? "longpoll" : "websocket");
  }

  #dropPoll() {
    const poll = this.#poll;
    this.#poll = null;
    poll?.close();
  }

  /**
   * @param {number} code
   * @param {number} retryAfter
   */
  #end(code, retryAfter = 0) {
    this.stop();
    this.#owner.ended(code, retryAfter);
  }
}
