/**
 * How far in a topic we are. A topic is a sequence 1, 2, 3 … of events under an epoch (the name of the server's journal);
 * each durable event carries its `seq` and the time `at` which it was stored.
 */

/**
 * @typedef {import("./frame.js").Payload} Payload
 * @typedef {{event: string, payload: any}} TopicEvent
 */

export class Position {
  /** @type {string | null} */
  #epoch = null;
  #seq = 0;

  get seq() {
    return this.#seq;
  }

  get isKnown() {
    return this.#epoch !== null;
  }

  /** What a join says, so that its reply has what we lack. */
  params() {
    return this.isKnown ? {since: this.#seq, epoch: this.#epoch} : {};
  }

  forget() {
    this.#epoch = null;
    this.#seq = 0;
  }

  /**
   * Move to where a join's reply brings us, and say whether that goes on from where we were, with which events.
   * @param {Payload} reply
   * @returns {{resumed: boolean, events: TopicEvent[]} | null} null, and nothing moved, when the reply has a hole
   */
  take(reply) {
    const resumed = this.isKnown && this.#epoch === reply.epoch && reply.complete !== false;
    const events = newerThan(resumed ? this.#seq : 0, reply.events ?? []);
    const seq = endOf(events, resumed ? this.#seq : null, reply.seq ?? 0);
    if (seq === null) return null;
    this.#epoch = reply.epoch ?? null;
    this.#seq = seq;
    return {resumed, events};
  }

  /**
   * Judge a live event: "next" (we have moved to it), "passing" (it has no place in the order), "repeat", or "hole".
   * @param {Payload} payload
   * @returns {"next" | "passing" | "repeat" | "hole"}
   */
  judge(payload) {
    if (!this.isKnown || !isDurable(payload)) return "passing";
    if (payload.seq <= this.#seq) return "repeat";
    if (payload.seq > this.#seq + 1) return "hole";
    this.#seq = payload.seq;
    return "next";
  }
}

/**
 * Whether an event has a place in its topic's order. `seq` alone does not say so: some notices name another's.
 * @param {Payload} payload
 */
function isDurable(payload) {
  return Number.isInteger(payload.seq) && Number.isInteger(payload.at);
}

/**
 * @param {number} seq
 * @param {TopicEvent[]} events
 */
function newerThan(seq, events) {
  return events.filter(({payload}) => payload.seq > seq);
}

/**
 * Return the `seq` that a reply's events end at, or null where one is missing: between them, after `after` (null: they
 * may begin anywhere, and where there are none we are at `end`), or before `end`, which is the reply's own.
 * @param {TopicEvent[]} events
 * @param {number | null} after
 * @param {number} end
 */
function endOf(events, after, end) {
  if (after === null && events.length === 0) return end;
  let seq = after ?? events[0].payload.seq - 1;
  for (const {payload} of events) {
    if (payload.seq !== seq + 1) return null;
    seq = payload.seq;
  }
  return seq < end ? null : seq;
}
