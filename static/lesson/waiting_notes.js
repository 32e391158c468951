/** The students whose notes wait for an answer: folded from the state of the staff's topic and what follows. It knows no page. */

import {NOTE, NOTE_CLOSED} from "./note_history.js";

/** @typedef {{user: import("../page.js").User, count: number, seq: number, at: number}} Waiting */

export class WaitingNotes {
  /** @type {Map<number, Waiting>} by the student's id, who waits longest first */
  #students = new Map();

  /** Take over the state of a join. @param {Waiting[]} state */
  begin(state) {
    this.#students = new Map(state.map((each) => [each.user.id, each]));
  }

  /** @param {import("../client/position.js").TopicEvent} event live: a note, or that a student's notes need no answer */
  take({event, payload}) {
    if (event !== NOTE) {
      for (const [id, {seq}] of this.#students) if (seq === payload.target) this.#students.delete(id);
      return;
    }
    const {user, author, seq, at} = payload;
    const count = this.of(user.id)?.count ?? 0;
    if (author.id === user.id) this.#students.set(user.id, {user, count: count + 1, seq, at});
    else this.#students.delete(user.id);
  }

  get students() {
    return [...this.#students.values()];
  }

  /** How many notes wait. */
  get count() {
    return this.students.reduce((sum, {count}) => sum + count, 0);
  }

  /** @param {number} id */
  of(id) {
    return this.#students.get(id);
  }
}

/** Follow a topic of staff. @param {import("../client/channel.js").Channel} channel @param {() => void} changed */
export function followNotes(channel, changed) {
  const waiting = new WaitingNotes();
  channel.onJoin(({state}) => {
    waiting.begin(state.notes);
    changed();
  });
  for (const event of [NOTE, NOTE_CLOSED]) {
    channel.on(event, (payload) => {
      waiting.take({event, payload});
      changed();
    });
  }
  return waiting;
}
