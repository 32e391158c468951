/**
 * One topic, as long as the page wants it: joins it, joins it again after every loss from where it was, and hands over
 * its durable events in order, each once, without holes.
 *
 *     idle --join--> waiting --connected--> joining --ok--> joined
 *                       ^                      '--refused for good, or taken away--> closed
 *                       '---- lost connection, passing refusal, error, hole ----'
 *
 * What arrives while a join is under way waits for its reply: the reply says which of it we have already.
 */

import {Backoff} from "./backoff.js";
import {Disconnected, Refused, TimedOut} from "./errors.js";
import {CLOSE, ERROR, JOIN, LEAVE} from "./frame.js";
import {Listeners} from "./listeners.js";
import {Outbox} from "./outbox.js";
import {Position} from "./position.js";
import {Presence} from "./presence.js";

/** How long a join or a push waits for its answer; a healthy server takes milliseconds. */
export const ANSWER_MS = 10_000;
/** A join that held so long was a good one; failures after it count anew. */
const STEADY_MS = 10_000;
/** Events kept while a join is under way. More, and reading them from the journal by another join is the better way. */
export const MAX_BACKLOG = 1000;

/**
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./frame.js").Payload} Payload
 * @typedef {import("./connection.js").Answered} Answered
 * @typedef {import("./connection.js").Push} Push
 * @typedef {import("./position.js").TopicEvent} TopicEvent
 * @typedef {import("./environment.js").Environment} Environment
 *
 * What a channel needs of its socket. `push` calls back at once with `Disconnected` while there is no connection.
 * @typedef {{
 *   isOpen: () => boolean,
 *   nextRef: () => string,
 *   push: (push: Push, timeoutMs: number, answered: Answered) => void,
 * }} Wire
 *
 * `resumed`: `events` go on from those handed over before. Otherwise they are the newest ones and replace all others;
 * then `complete` is false when some between were skipped. `response` is the whole answer.
 * @typedef {{
 *   resumed: boolean,
 *   complete: boolean,
 *   events: TopicEvent[],
 *   state: Payload,
 *   read: number,
 *   seq: number,
 *   response: Payload,
 * }} Joined
 */

export class Channel {
  #wire;
  #clock;
  #params;
  #outbox;
  #backoff;
  #position = new Position();
  #presence = new Presence();
  /** @type {"idle" | "waiting" | "joining" | "joined" | "closed"} */
  #state = "idle";
  /** @type {string | null} that of the newest join; frames of an older one are not for us */
  #joinRef = null;
  #joinedAt = 0;
  /** Whether events were skipped that no join has told the page of yet. */
  #hasSkipped = false;
  /** @type {Frame[]} */
  #backlog = [];
  #backlogIsFull = false;
  /** @type {() => void} */
  #callOffJoin = () => {};
  /** @type {Map<string, Listeners<[Payload]>>} */
  #onEvent = new Map();
  /** @type {Listeners<[Joined]>} */
  #onJoin = new Listeners();
  /** @type {Listeners<[Refused]>} */
  #onClose = new Listeners();
  /** @type {Listeners<[Error | null]>} who waits for the join to be decided */
  #onDecided = new Listeners();

  /**
   * @param {string} topic
   * @param {Payload} params are sent with each join
   * @param {Wire} wire
   * @param {Environment} environment
   */
  constructor(topic, params, wire, environment) {
    this.topic = topic;
    this.#params = params;
    this.#wire = wire;
    this.#clock = environment.clock;
    this.#backoff = new Backoff(environment.random);
    this.#outbox = new Outbox(topic, (...push) => this.#pushNow(...push), environment);
  }

  /** Whether pushes go out at once. */
  get joined() {
    return this.#state === "joined";
  }

  get presence() {
    return this.#presence;
  }

  /** Durable pushes without an answer yet, oldest first; those from before a reload and failed ones included. */
  get unsent() {
    return this.#outbox.unsent;
  }

  /**
   * Call with the payload of each live event of a name. Events that a join brings go to `onJoin`.
   * @param {string} event
   * @param {(payload: Payload) => void} listener
   * @returns {() => void} ends it
   */
  on(event, listener) {
    const listeners = this.#onEvent.get(event) ?? new Listeners();
    this.#onEvent.set(event, listeners);
    return listeners.add(listener);
  }

  /**
   * Call after each join, the first and every later one.
   * @param {(joined: Joined) => void} listener
   */
  onJoin(listener) {
    return this.#onJoin.add(listener);
  }

  /**
   * Call when the server takes the topic away, or refuses a join for good; only `join` tries it again then.
   * @param {(reason: Refused) => void} listener
   */
  onClose(listener) {
    return this.#onClose.add(listener);
  }

  /**
   * Join, and stay joined until `leave`. The promise waits for a connection as long as it takes, and rejects when the
   * server refuses for good.
   * @returns {Promise<void>}
   */
  join() {
    if (this.#state === "joined") return Promise.resolve();
    const decided = this.#decided();
    decided.catch(() => {}); // onClose tells it too
    if (this.#state === "idle" || this.#state === "closed") this.#joinSoon(0);
    return decided;
  }

  /**
   * Begin with the reply to a join that the page itself has loaded. The listeners for joins are called as after a join,
   * before there is a connection; the join then asks for what came since. Where more is known already, nothing happens.
   * @param {Payload} reply
   */
  begin(reply) {
    if (this.#position.isKnown) return;
    const taken = this.#position.take(reply);
    if (taken !== null) this.#tellJoin(taken, reply, reply.complete !== false);
  }

  /** Leave. Unsent durable pushes stay, and go when it is joined again. */
  leave() {
    if (this.#state === "joining" || this.#state === "joined") this.#tellLeaving();
    this.#stop("idle");
    this.#onDecided.emit(new Disconnected());
  }

  /**
   * Push an event, and return the response. While not joined it waits for the join, within the same time.
   * @param {string} event
   * @param {Payload} payload
   * @param {{timeout?: number}} options milliseconds
   * @returns {Promise<any>} rejects with Refused, TimedOut or Disconnected
   */
  async push(event, payload = {}, {timeout = ANSWER_MS} = {}) {
    const due = this.#clock.now() + timeout;
    if (!this.joined && this.#state !== "closed") await this.#decided(timeout);
    return new Promise((resolve, reject) => {
      this.#pushNow(event, payload, Math.max(0, due - this.#clock.now()), (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  }

  /**
   * Push a durable event: it is kept, and sent under the same id until it is answered, after those sent before it.
   * @param {string} event
   * @param {Payload} payload
   */
  send(event, payload) {
    return this.#outbox.send(event, payload);
  }

  /** For the socket: there is a connection. */
  connected() {
    this.#backoff.reset();
    if (this.#state === "waiting") this.#joinNow();
  }

  /** For the socket: there is none any more. */
  disconnected() {
    if (this.#state === "idle" || this.#state === "closed") return;
    this.#stop("waiting");
  }

  /**
   * For the socket: a frame of this topic arrived.
   * @param {Frame} frame
   */
  receive(frame) {
    if (this.#isOutdated(frame)) return;
    if (frame.event === CLOSE) this.#close(new Refused("taken_away", "The server closed the topic."));
    else if (frame.event === ERROR) this.#joinSoon(this.#nextDelay());
    else if (this.#state === "joining") this.#keep(frame);
    else if (this.#state === "joined") this.#take(frame);
  }

  /** @param {Frame} frame */
  #isOutdated({joinRef}) {
    return joinRef !== null && joinRef !== this.#joinRef;
  }

  /**
   * Join after a while, from where we are; what is under way is given up.
   * @param {number} ms
   */
  #joinSoon(ms) {
    this.#outbox.pause();
    this.#callOffJoin();
    this.#state = "waiting";
    this.#joinRef = null;
    if (ms > 0) this.#callOffJoin = this.#clock.after(ms, () => this.#joinNow());
    else this.#joinNow();
  }

  #joinNow() {
    if (!this.#wire.isOpen()) return; // `connected` comes
    const ref = this.#wire.nextRef();
    this.#state = "joining";
    this.#joinRef = ref;
    this.#backlogIsFull = false;
    this.#presence.expectState();
    const payload = {...this.#params, ...this.#position.params()};
    this.#wire.push({joinRef: ref, ref, topic: this.topic, event: JOIN, payload}, ANSWER_MS, (error, response) => {
      if (this.#joinRef === ref) this.#answered(error, response);
    });
  }

  /**
   * @param {Error | null} error
   * @param {Payload} response
   */
  #answered(error, response) {
    if (error === null) this.#accepted(response);
    else if (error instanceof Disconnected) return; // `disconnected` came
    else if (error instanceof Refused && !error.isPassing && error.code !== "internal") this.#close(error);
    else this.#joinSoon(this.#waitAfter(error));
  }

  /** @param {Error} error */
  #waitAfter(error) {
    return (error instanceof Refused ? error.retryAfter ?? 0 : 0) + this.#backoff.next();
  }

  /** @param {Payload} response */
  #accepted(response) {
    const taken = this.#takePosition(response);
    if (taken === null) return;
    const complete = response.complete !== false && !this.#hasSkipped;
    this.#hasSkipped = false;
    this.#state = "joined";
    this.#joinedAt = this.#clock.now();
    const ref = this.#joinRef;
    this.#tellJoin(taken, response, complete);
    if (this.#joinRef === ref) this.#takeBacklog();
    if (this.joined) this.#outbox.start();
    if (this.joined) this.#onDecided.emit(null);
  }

  /**
   * @param {{resumed: boolean, events: TopicEvent[]}} taken
   * @param {Payload} response
   * @param {boolean} complete
   */
  #tellJoin(taken, response, complete) {
    const {state = {}, read = 0} = response;
    this.#onJoin.emit({...taken, complete, state, read, seq: this.#position.seq, response});
  }

  /**
   * A reply with a hole is not handed over. One that should have resumed is asked for again from the newest; one that is
   * so by itself, later.
   * @param {Payload} response
   */
  #takePosition(response) {
    const taken = this.#position.take(response);
    if (taken !== null) return taken;
    const mayResume = this.#position.isKnown;
    this.#hasSkipped ||= mayResume;
    this.#position.forget();
    this.#joinSoon(mayResume ? 0 : this.#backoff.next());
    return null;
  }

  /** @param {Frame} frame */
  #keep(frame) {
    if (this.#backlog.length < MAX_BACKLOG) this.#backlog.push(frame);
    else this.#backlogIsFull = true;
  }

  /** A hole in it begins another join: then the rest waits for that one's reply. */
  #takeBacklog() {
    while (this.joined && this.#backlog.length > 0) {
      const frame = /** @type {Frame} */ (this.#backlog.shift());
      if (!this.#isOutdated(frame)) this.#take(frame);
    }
    if (this.joined && this.#backlogIsFull) this.#joinSoon(0);
  }

  /** @param {Frame} frame */
  #take({event, payload}) {
    const verdict = this.#position.judge(payload);
    if (verdict === "hole") this.#fillHole();
    if (verdict === "hole" || verdict === "repeat") return;
    if (verdict === "next") this.#backoff.reset();
    this.#presence.receive(event, payload);
    this.#onEvent.get(event)?.emit(payload);
  }

  /** At once, unless the last time brought us no further. */
  #fillHole() {
    const isFirst = this.#backoff.isFresh;
    const delay = this.#nextDelay();
    this.#joinSoon(isFirst ? 0 : delay);
  }

  /** A join that held for a while has proved that joining works. */
  #nextDelay() {
    if (this.joined && this.#clock.now() - this.#joinedAt >= STEADY_MS) this.#backoff.reset();
    return this.#backoff.next();
  }

  /**
   * Push on the join that we have. That the server does not know it means that we missed its end: join again.
   * @type {import("./outbox.js").SendPush}
   */
  #pushNow(event, payload, timeoutMs, answered) {
    const joinRef = this.#joinRef;
    if (!this.joined) return answered(new Disconnected(), {});
    this.#wire.push({joinRef, topic: this.topic, event, payload}, timeoutMs, (error, response) => {
      const isUnknown = error instanceof Refused && error.code === "unmatched_topic";
      if (isUnknown && this.#joinRef === joinRef) this.#joinSoon(this.#nextDelay());
      answered(isUnknown ? new Disconnected() : error, response);
    });
  }

  /**
   * Wait until the join is decided, at most so long.
   * @param {number | null} ms
   * @returns {Promise<void>}
   */
  #decided(ms = null) {
    return new Promise((resolve, reject) => {
      const settle = (/** @type {Error | null} */ error) => {
        remove();
        callOff();
        if (error === null) resolve();
        else reject(error);
      };
      const remove = this.#onDecided.add(settle);
      const callOff = ms === null ? () => {} : this.#clock.after(ms, () => settle(new TimedOut()));
    });
  }

  /** @param {Refused} reason */
  #close(reason) {
    this.#stop("closed");
    this.#position.forget();
    this.#outbox.fail(reason);
    this.#onDecided.emit(reason);
    this.#onClose.emit(reason);
  }

  #tellLeaving() {
    const push = {joinRef: this.#joinRef, topic: this.topic, event: LEAVE, payload: {}};
    this.#wire.push(push, ANSWER_MS, () => {});
  }

  /** @param {"idle" | "waiting" | "closed"} state */
  #stop(state) {
    this.#outbox.pause();
    this.#callOffJoin();
    this.#state = state;
    this.#joinRef = null;
    this.#backlog = [];
  }
}
