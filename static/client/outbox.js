/**
 * A channel's durable pushes, until each is answered.
 *
 * One is under way at a time: were the next sent before the answer, a refused first one would arrive after it. Each keeps
 * its id however often it is sent, and the server counts it once. What the server refuses for now, what gets no answer and
 * what a lost connection cuts off is sent again; what it refuses for good has failed, and the next one goes. So has what gets
 * no answer several times on a connection that carries everything else: nothing blocks those behind it, also after a reload.
 */

import {Backoff} from "./backoff.js";
import {Delivery} from "./delivery.js";
import {ClientError, Disconnected, Refused, TimedOut} from "./errors.js";
import {MAX_FRAME_BYTES} from "./frame.js";
import {wellFormedJson} from "./well_formed.js";

/** How long one attempt waits for its answer; a healthy server takes milliseconds. */
export const ANSWER_MS = 10_000;
/** Attempts without an answer while the connection lives: a server that is merely busy answers one of them. */
export const MAX_UNANSWERED = 3;
/** More than anybody types while the network is away. */
export const MAX_UNSENT = 100;
/** Left of a frame for its topic, event and references. */
const MAX_PAYLOAD_BYTES = MAX_FRAME_BYTES - 1024;

/**
 * @typedef {import("./frame.js").Payload} Payload
 * @typedef {import("./connection.js").Answered} Answered
 * @typedef {(event: string, payload: Payload, timeoutMs: number, answered: Answered) => void} SendPush
 */

export class Outbox {
  #topic;
  #push;
  #clock;
  #store;
  #newIdentifier;
  #backoff;
  /** @type {Delivery[]} not answered yet, the failed ones among them */
  #deliveries = [];
  /** @type {Delivery | null} */
  #underWay = null;
  #isReady = false;
  /** Attempts with the oldest one in a row that got no answer. */
  #unanswered = 0;
  /** @type {(() => void) | null} */
  #callOffWaiting = null;

  /**
   * @param {string} topic
   * @param {SendPush} push
   * @param {{
   *   clock: import("./clock.js").Clock,
   *   random: () => number,
   *   newIdentifier: () => string,
   *   store: import("./unsent.js").UnsentStore,
   * }} parts
   */
  constructor(topic, push, {clock, random, newIdentifier, store}) {
    this.#topic = topic;
    this.#push = push;
    this.#clock = clock;
    this.#store = store;
    this.#newIdentifier = newIdentifier;
    this.#backoff = new Backoff(random);
    for (const unsent of store.load(topic)) this.#takeUp(unsent);
  }

  /** What is not answered yet, oldest first, failed ones included. */
  get unsent() {
    return [...this.#deliveries];
  }

  /**
   * Take a push, and send it as soon as its turn comes.
   * @param {string} event
   * @param {Payload} payload
   */
  send(event, payload) {
    const delivery = new Delivery({id: this.#newIdentifier(), event, payload: cleaned(payload)}, this);
    const refusal = this.#refusal(payload);
    if (refusal === null) this.#add(delivery);
    else delivery.fail(refusal);
    return delivery;
  }

  /** The channel is joined: pushes can go. */
  start() {
    this.#isReady = true;
    this.#sendNext();
  }

  /** The channel is not joined any more. What is under way will be told of its lost connection by who sent it. */
  pause() {
    this.#isReady = false;
    this.#stopWaiting();
  }

  /**
   * The channel is not ours any more: nothing in here can arrive.
   * @param {Error} error
   */
  fail(error) {
    this.pause();
    for (const delivery of this.unsent) {
      if (delivery.state !== "failed") delivery.fail(error);
    }
    this.#save();
  }

  /**
   * For a delivery.
   * @param {Delivery} delivery
   */
  retry(delivery) {
    const refusal = this.#refusal(delivery.payload);
    if (refusal !== null && !this.#deliveries.includes(delivery)) return delivery.fail(refusal);
    this.#remove(delivery);
    delivery.wait();
    this.#add(delivery);
  }

  /**
   * For a delivery.
   * @param {Delivery} delivery
   */
  cancel(delivery) {
    this.#remove(delivery);
    this.#save();
  }

  /**
   * Why a push cannot be taken; null when it can.
   * @param {Payload} payload
   */
  #refusal(payload) {
    if (this.#deliveries.length >= MAX_UNSENT) return new Refused("too_many_unsent", "Too many messages are waiting.");
    const bytes = new TextEncoder().encode(JSON.stringify(payload)).length;
    return bytes > MAX_PAYLOAD_BYTES ? new Refused("bad_payload", "The message is too long.") : null;
  }

  /** @param {import("./unsent.js").Unsent} unsent */
  #takeUp({id, event, payload, failure}) {
    const delivery = new Delivery({id, event, payload: cleaned(payload)}, this);
    if (failure) delivery.fail(new Refused(failure.code, failure.message));
    this.#deliveries.push(delivery);
  }

  /** @param {Delivery} delivery */
  #add(delivery) {
    this.#deliveries.push(delivery);
    this.#save();
    this.#sendNext();
  }

  /** @param {Delivery} delivery */
  #remove(delivery) {
    this.#deliveries = this.#deliveries.filter((other) => other !== delivery);
  }

  #sendNext() {
    if (!this.#isReady || this.#underWay !== null || this.#callOffWaiting !== null) return;
    const delivery = this.#deliveries.find(({state}) => state === "waiting");
    if (delivery === undefined) return;
    this.#underWay = delivery;
    delivery.depart();
    this.#push(delivery.event, {...delivery.payload, id: delivery.id}, ANSWER_MS, (error, response) => {
      this.#underWay = null;
      if (delivery.state === "sending") this.#answered(delivery, error, response);
      this.#sendNext();
    });
  }

  /**
   * @param {Delivery} delivery
   * @param {Error | null} error
   * @param {Payload} response
   */
  #answered(delivery, error, response) {
    this.#unanswered = error instanceof TimedOut ? this.#unanswered + 1 : 0;
    if (error === null) this.#arrived(delivery, response);
    else if (error instanceof Disconnected) delivery.wait(true);
    else if (isPassing(error) && this.#unanswered < MAX_UNANSWERED) this.#sendLater(delivery, error);
    else this.#failed(delivery, error);
  }

  /**
   * @param {Delivery} delivery
   * @param {Payload} response
   */
  #arrived(delivery, response) {
    this.#backoff.reset();
    this.#remove(delivery);
    this.#save();
    delivery.arrive(response);
  }

  /**
   * @param {Delivery} delivery
   * @param {Error} error
   */
  #failed(delivery, error) {
    this.#unanswered = 0;
    delivery.fail(error);
    this.#save();
  }

  /**
   * @param {Delivery} delivery
   * @param {Error} error
   */
  #sendLater(delivery, error) {
    delivery.wait(!isTooFast(error));
    if (!this.#isReady) return;
    this.#callOffWaiting = this.#clock.after(this.#waitAfter(error), () => {
      this.#callOffWaiting = null;
      this.#sendNext();
    });
  }

  /**
   * A limit of our own (`too_fast`) is over when the server says; one that we share with others wants jitter as well.
   * @param {Error} error
   */
  #waitAfter(error) {
    const asked = error instanceof Refused ? error.retryAfter : null;
    const isOurs = isTooFast(error) && asked !== null;
    return (asked ?? 0) + (isOurs ? 0 : this.#backoff.next());
  }

  #stopWaiting() {
    this.#callOffWaiting?.();
    this.#callOffWaiting = null;
  }

  #save() {
    this.#store.save(this.#topic, this.#deliveries.map(kept));
  }
}

/** @param {Error} error */
function isTooFast(error) {
  return error instanceof Refused && error.code === "too_fast";
}

/** @param {Error} error */
function isPassing(error) {
  return error instanceof TimedOut || (error instanceof Refused && error.isPassing);
}

/**
 * @param {Delivery} delivery
 * @returns {import("./unsent.js").Unsent}
 */
function kept({id, event, payload, error}) {
  const failure = error instanceof ClientError ? {code: error.code, message: error.message} : undefined;
  return {id, event, payload, failure};
}

/** As it will be sent, so that a page shows it so, too. @param {Payload} payload @returns {Payload} */
function cleaned(payload) {
  return JSON.parse(wellFormedJson(payload));
}
