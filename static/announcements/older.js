/**
 * The announcements of all topics that the page has: the newest, which come with the joins, and older ones, read on request.
 *
 *     topic A  ●──●──●──●──●··· has more     the oldest of these is the horizon: what is older of another topic waits,
 *     topic B  ●─────────●───────●           so that no later reading puts one between those that are shown
 */

import {amend, AMENDING, isAmending} from "../amended.js";
import {ANNOUNCEMENT} from "../reading.js";

/** As many as a topic's state has (PROTOCOL: STATE_ANNOUNCEMENTS), and as many at each reading; fewer are all. */
const PAGE = 50;

/** @typedef {import("../reading.js").Reading} Reading */
/** @typedef {{reading: Reading, payload: any}} Place */

/** One topic's, by their positions. */
class Shelf {
  /** @type {Map<number, Place>} */
  places = new Map();
  hasMore = false;

  /** @param {Reading} reading */
  constructor(reading) {
    this.reading = reading;
    reading.channel.onJoin(({resumed, events}) => {
      if (resumed) events.filter(isAmending).forEach((change) => this.#amend(change));
      else this.#beginAnew();
    });
    for (const event of AMENDING) reading.channel.on(event, (payload) => this.#amend({event, payload}));
  }

  /** It may be another journal by now, or one with a gap. */
  #beginAnew() {
    this.places.clear();
    this.hasMore = this.reading.announcements.length >= PAGE;
  }

  /** @param {{payload: any}[]} events */
  take(events) {
    for (const {payload} of events) this.places.set(payload.seq, {reading: this.reading, payload});
  }

  /** One that was read from further back has changed. @param {import("../client/position.js").TopicEvent} change */
  #amend(change) {
    const place = this.places.get(change.payload.target);
    if (place === undefined) return;
    const events = [{event: ANNOUNCEMENT, payload: place.payload}];
    amend(events, change);
    this.places.set(place.payload.seq, {...place, payload: events[0].payload});
  }

  get #oldest() {
    return Math.min(...this.places.keys());
  }

  /** When its oldest was announced. */
  get begin() {
    return this.places.get(this.#oldest)?.payload.at ?? -Infinity;
  }

  async readOlder() {
    const wanted = {before: this.#oldest, limit: PAGE, event: ANNOUNCEMENT};
    const {events, more} = await this.reading.channel.push("history:read", wanted);
    this.take(events);
    this.hasMore = more && events.length > 0;
  }
}

export class Archive {
  /** @type {Map<Reading, Shelf>} */
  #shelves = new Map();

  /** Keep the announcements of a topic too. @param {Reading} reading */
  follow(reading) {
    const shelf = new Shelf(reading);
    shelf.hasMore = reading.announcements.length >= PAGE;
    this.#shelves.set(reading, shelf);
  }

  get readings() {
    return [...this.#shelves.keys()];
  }

  get hasMore() {
    return this.#unfinished.length > 0;
  }

  /** All that may be shown, the newest first. @returns {Place[]} */
  places() {
    for (const [reading, shelf] of this.#shelves) shelf.take(reading.announcements);
    const horizon = this.#horizon;
    return [...this.#shelves.values()]
      .flatMap(({places}) => [...places.values()])
      .filter(({payload}) => payload.at >= horizon)
      .sort((one, other) => other.payload.at - one.payload.at || other.payload.seq - one.payload.seq);
  }

  /** Read on where the horizon is; raises what the channel raises. */
  async readOlder() {
    const horizon = this.#horizon;
    await Promise.all(this.#unfinished.filter(({begin}) => begin >= horizon).map((shelf) => shelf.readOlder()));
  }

  get #unfinished() {
    return [...this.#shelves.values()].filter(({hasMore}) => hasMore);
  }

  get #horizon() {
    return Math.max(-Infinity, ...this.#unfinished.map(({begin}) => begin));
  }
}
