/** Older messages, read as the reader scrolls up to them. */

import {byId} from "../page.js";
import {isSaid} from "../reading.js";

/** Begun this far before the oldest row is reached, so that reading on rarely waits. */
const AHEAD_PX = 600;
const PAGE = 50;

export class History {
  #channel;
  #conversation;
  #view;
  #scroller = byId("scroller");
  /** The position before which nothing has been read. */
  #oldest = Infinity;
  #isReading = false;
  #hasFailed = false;

  /**
   * @param {import("../client/channel.js").Channel} channel
   * @param {import("./conversation.js").Conversation} conversation
   * @param {import("./view.js").View} view
   */
  constructor(channel, conversation, view) {
    this.#channel = channel;
    this.#conversation = conversation;
    this.#view = view;
    this.#scroller.addEventListener("scroll", () => this.#look(), {passive: true});
    byId("older-retry").addEventListener("click", () => this.#retry());
  }

  /** The list begins anew, with these events. @param {import("../client/position.js").TopicEvent[]} events @param {number} seq */
  restart(events, seq) {
    this.#oldest = events[0]?.payload.seq ?? seq + 1;
    this.#hasFailed = false;
    this.#show();
    this.#look();
  }

  get #hasMore() {
    return this.#oldest > 1;
  }

  #look() {
    if (this.#scroller.scrollTop < AHEAD_PX && this.#hasMore && !this.#isReading && !this.#hasFailed) this.#read();
  }

  #retry() {
    this.#hasFailed = false;
    this.#read();
  }

  async #read() {
    this.#isReading = true;
    this.#show();
    try {
      this.#take(await this.#channel.push("history:read", {before: this.#oldest, limit: PAGE}));
    } catch {
      this.#hasFailed = true;
    }
    this.#isReading = false;
    this.#show();
    this.#look();
  }

  /** @param {any} response */
  #take({events, more}) {
    this.#view.keep(() => this.#conversation.prepend(events.filter(isSaid)));
    this.#oldest = more && events.length > 0 ? events[0].payload.seq : 1;
  }

  #show() {
    this.#view.keep(() => {
      byId("older").hidden = !this.#isReading;
      byId("older-retry").hidden = !this.#hasFailed;
      byId("start").hidden = this.#hasMore || this.#isReading;
    });
  }
}
