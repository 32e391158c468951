/** The hands that are up and who was called, as the server folds them (channels/lesson/hands.py). */

/** @typedef {{user: number, name: string, seq: number, at: number}} Hand */

/** The same bound as the server's (channels/limit.py). */
const MAX_HANDS = 200;

export class Queue {
  /** @type {Hand[]} in the order in which they went up */
  hands = [];
  /** @type {Hand | null} */
  called = null;

  /** Take over what the reply to a join says. @param {any} state */
  join({hands = [], called = null}) {
    this.hands = hands;
    this.called = called;
  }

  /** @param {any} payload */
  raised({user, author, seq, at}) {
    if (this.placeOf(user) > 0 || this.hands.length >= MAX_HANDS) return;
    this.hands = [...this.hands, {user, name: author.name, seq, at}];
  }

  /** @param {any} payload */
  lowered({user}) {
    this.hands = this.hands.filter((hand) => hand.user !== user);
    if (this.called?.user === user) this.called = null;
  }

  /** @param {any} payload */
  calledOne({user, name, seq, at}) {
    this.lowered({user});
    this.called = {user, name, seq, at};
  }

  cleared() {
    this.hands = [];
    this.called = null;
  }

  /** The place of a user's hand, counted from 1; 0 where it is not up. @param {number} user */
  placeOf(user) {
    return this.hands.findIndex((hand) => hand.user === user) + 1;
  }
}
