/**
 * One durable push on its way, as the page that sent it sees it.
 *
 *     waiting <--> sending --> sent
 *        ^            '------> failed
 *        '----- retry ----------'          cancel: from waiting, sending or failed to cancelled
 */

import {Cancelled} from "./errors.js";
import {Listeners} from "./listeners.js";

/**
 * @typedef {import("./frame.js").Payload} Payload
 * @typedef {"waiting" | "sending" | "sent" | "failed" | "cancelled"} DeliveryState
 * @typedef {{id: string, event: string, payload: Payload}} Content
 * @typedef {{retry: (delivery: Delivery) => void, cancel: (delivery: Delivery) => void}} Carrier the outbox it lies in
 */

export class Delivery {
  #carrier;
  /** @type {Listeners<[DeliveryState]>} */
  #onState = new Listeners();
  /** @type {DeliveryState} */
  #state = "waiting";
  #isRepeat = false;
  /** @type {Error | null} */
  #error = null;
  /** @type {Promise<Payload>} */
  #promise;
  /** @type {(response: Payload) => void} */
  #resolve = () => {};
  /** @type {(error: Error) => void} */
  #reject = () => {};

  /**
   * @param {Content} content
   * @param {Carrier} carrier
   */
  constructor({id, event, payload}, carrier) {
    this.id = id;
    this.event = event;
    this.payload = payload;
    this.#carrier = carrier;
    this.#promise = this.#newPromise();
  }

  get state() {
    return this.#state;
  }

  /** Whether its last attempt came to nothing, so that this one is another of the same. */
  get isRepeat() {
    return this.#isRepeat;
  }

  /** Why it failed; null when it has not. */
  get error() {
    return this.#error;
  }

  /** Resolves with the server's answer, rejects when it fails or is cancelled. A retry has a promise of its own. */
  get promise() {
    return this.#promise;
  }

  /**
   * Call with the state: now, and after each change.
   * @param {(state: DeliveryState) => void} listener
   */
  onState(listener) {
    const remove = this.#onState.add(listener);
    listener(this.#state);
    return remove;
  }

  /** Send a failed one again, after those that are waiting now, under the same id. */
  retry() {
    if (this.#state !== "failed") return;
    this.#promise = this.#newPromise();
    this.#carrier.retry(this);
  }

  /** Stop trying. One that is under way may have been carried out all the same. */
  cancel() {
    if (this.#state === "sent" || this.#state === "cancelled") return;
    this.#carrier.cancel(this);
    this.#reject(new Cancelled());
    this.#moveTo("cancelled");
  }

  /** For the outbox: it waits for its turn, for the connection, or for a while; `isRepeat`: after an attempt in vain. */
  wait(isRepeat = false) {
    this.#error = null;
    this.#isRepeat = isRepeat;
    this.#moveTo("waiting");
  }

  /** For the outbox: it is under way. */
  depart() {
    this.#moveTo("sending");
  }

  /**
   * For the outbox: the server has stored it.
   * @param {Payload} response
   */
  arrive(response) {
    this.#resolve(response);
    this.#moveTo("sent");
  }

  /**
   * For the outbox: it will not be tried again, unless the user asks.
   * @param {Error} error
   */
  fail(error) {
    this.#error = error;
    this.#reject(error);
    this.#moveTo("failed");
  }

  /** @param {DeliveryState} state */
  #moveTo(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState.emit(state);
  }

  /** A page may follow the state and never look at the promise: its rejection must not count as unhandled. */
  #newPromise() {
    const promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    promise.catch(() => {});
    return promise;
  }
}
