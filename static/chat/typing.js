/** Who is typing: told to the others while we do, and shown of them. */

import {setText} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";

/** The server's: a start counts for five seconds; a second one within three says nothing new. */
const SHOWN_MS = 5000;
const TELL_EVERY_MS = 3000;

export class Typing {
  #channel;
  #place;
  #toldAt = 0;
  /** @type {Map<number, {name: string, timer: number}>} */
  #writers = new Map();

  /** @param {import("../client/channel.js").Channel} channel @param {HTMLElement} place */
  constructor(channel, place) {
    this.#channel = channel;
    this.#place = place;
    channel.on("typing:started", ({user}) => user.id !== page.me.id && this.#started(user));
  }

  /** The user has typed something. */
  tell() {
    if (!this.#channel.joined || Date.now() - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = Date.now();
    this.#channel.push("typing:start", {}).catch(() => {}); // it matters to nobody a moment later
  }

  /** The user has sent: the next letter is a new beginning. */
  sent() {
    this.#toldAt = 0;
  }

  /** Somebody's message came. @param {number} id */
  ended(id) {
    clearTimeout(this.#writers.get(id)?.timer);
    this.#writers.delete(id);
    this.#show();
  }

  /** @param {import("../page.js").User} user */
  #started({id, name}) {
    clearTimeout(this.#writers.get(id)?.timer);
    this.#writers.set(id, {name, timer: window.setTimeout(() => this.ended(id), SHOWN_MS)});
    this.#show();
  }

  #show() {
    const names = [...this.#writers.values()].map(({name}) => name);
    setText(this.#place, words(names));
  }
}

/** @param {string[]} names */
function words(names) {
  if (names.length === 0) return "";
  if (names.length === 1) return _("{name} is typing…", {name: names[0]});
  if (names.length === 2) return _("{one} and {other} are typing…", {one: names[0], other: names[1]});
  return _("Several people are typing…");
}
