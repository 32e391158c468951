/** Messages on their way: below the conversation until the server's broadcast brings each into its place. */

import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";
import {messageRow} from "./row.js";

/** An answer within this time is not worth a word. */
const QUIET_MS = 700;

/** @typedef {import("../client/delivery.js").Delivery} Delivery */

export class Outgoing {
  #list;
  #channel;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();

  /** @param {HTMLElement} list @param {import("../client/channel.js").Channel} channel */
  constructor(list, channel) {
    this.#list = list;
    this.#channel = channel;
    for (const delivery of channel.unsent) if (delivery.event === "message:send") this.#add(delivery);
  }

  /** @param {string} text */
  send(text) {
    this.#add(this.#channel.send("message:send", {text}));
  }

  /** The broadcast of a message came. @param {{id?: string, author: {id: number}}} payload */
  arrived({id, author}) {
    if (id !== undefined && author.id === page.me.id) this.#remove(id);
  }

  /** @param {Delivery} delivery */
  #add(delivery) {
    const row = messageRow({text: delivery.payload.text, author: page.me});
    const note = h("p", {class: "delivery"});
    row.querySelector(".bubble")?.append(note);
    this.#rows.set(delivery.id, row);
    this.#list.append(row);
    delivery.onState((state) => this.#show(delivery, row, note, state));
  }

  /** @param {Delivery} delivery @param {HTMLElement} row @param {HTMLElement} note @param {string} state */
  #show(delivery, row, note, state) {
    row.classList.toggle("failed", state === "failed");
    if (state === "cancelled") this.#remove(delivery.id);
    else if (state === "failed") note.replaceChildren(...failure(delivery));
    else if (note.childElementCount > 0) note.replaceChildren(...progress(state));
    else setTimeout(() => delivery.state !== "failed" && note.replaceChildren(...progress(delivery.state)), QUIET_MS);
  }

  /** @param {string} id */
  #remove(id) {
    this.#rows.get(id)?.remove();
    this.#rows.delete(id);
  }
}

/** @param {string} state */
function progress(state) {
  if (state === "sent") return [icon("check"), _("Sent")];
  return [icon("clock"), state === "waiting" ? _("Waiting for the connection") : _("Sending…")];
}

/** @param {Delivery} delivery */
function failure(delivery) {
  const retry = h("button", {class: "quiet-button", type: "button", onclick: () => delivery.retry()}, _("Try again"));
  const drop = h("button", {class: "quiet-button", type: "button", onclick: () => delivery.cancel()}, _("Delete"));
  return [h("span", {class: "failure", role: "alert"}, icon("warning"), reason(delivery.error)), retry, drop];
}

/** @param {any} error */
export function reason(error) {
  const words = {
    forbidden: _("Not sent: you may not write here."),
    bad_payload: _("Not sent: the server cannot take this text."),
    closed: _("Not sent: this class is no longer one of yours."),
  };
  return words[/** @type {keyof typeof words} */ (error?.code)] ?? _("Not sent.");
}
