/**
 * The open flags of a topic, as those see them who handle them: folded from the state at a join and the events after it.
 * The flags of one message are one case. It knows no page.
 */

export const FLAGGED = "message:flagged";
export const SEEN = "flag:seen";
export const CLOSED = "flag:closed";

/** @typedef {import("../client/position.js").TopicEvent} TopicEvent */

/**
 * The message at `target` of `topic`, as it was when it was flagged first, and its flags, oldest first.
 * @typedef {{topic: string, target: number, text: string, user: import("../page.js").User, flags: any[]}} Case
 */

export class OpenFlags {
  /** How many there are beyond those that are listed. */
  more = 0;
  /** @type {Map<number, any>} their payloads by position, oldest first */
  #open = new Map();

  /** Take over the state of a join. @param {{open: TopicEvent[], more: number}} state */
  begin({open, more}) {
    this.#open = new Map(open.map(({payload}) => [payload.seq, payload]));
    this.more = more;
  }

  /** @param {TopicEvent} event one of the three, live */
  take({event, payload}) {
    const {seq, target, at} = payload;
    const flag = this.#open.get(target);
    if (event === FLAGGED) this.#open.set(seq, payload);
    else if (event === SEEN && flag !== undefined) this.#open.set(target, {...flag, seen: at});
    else if (event === CLOSED && !this.#open.delete(target)) this.more = Math.max(0, this.more - 1);
  }

  /** Take in what the history has of the others. @param {TopicEvent[]} events */
  addOlder(events) {
    for (const {payload} of events) {
      if (payload.closed !== undefined || this.#open.has(payload.seq)) continue;
      this.#open.set(payload.seq, payload);
      this.more = Math.max(0, this.more - 1);
    }
    this.#open = new Map([...this.#open].sort(([one], [other]) => one - other));
  }

  /** How many messages wait to be looked at. */
  get count() {
    return this.cases().length + this.more;
  }

  /** The positions of the flags that nobody has looked at. */
  get unseen() {
    return [...this.#open.values()].filter(({seen}) => seen === undefined).map(({seq}) => seq);
  }

  /** @returns {Case[]} the one that waits longest first */
  cases() {
    /** @type {Map<string, Case>} */
    const found = new Map();
    for (const flag of this.#open.values()) {
      const {topic, target, text, user} = flag;
      const key = `${topic} ${target}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, {topic, target, text, user, flags: [flag]});
      else known.flags.push(flag);
    }
    return [...found.values()];
  }
}
