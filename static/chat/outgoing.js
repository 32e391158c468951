/** Messages on their way: below the conversation until the server's broadcast brings each into its place. */

import {onOnline} from "../connection.js";
import {h, icon} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";
import {quoteLine, quoteOf} from "./quote.js";
import {messageRow} from "./row.js";

/** An answer within this time is not worth a word. */
const QUIET_MS = 700;

/** @typedef {import("../client/delivery.js").Delivery} Delivery */
/** @typedef {{delivery: Delivery, element: HTMLElement, note: HTMLElement, seq: number}} Row `seq`: Infinity until it is stored */

export class Outgoing {
  #list;
  #channel;
  #conversation;
  #isOnline = false;
  /** @type {Map<string, Row>} by the message's id */
  #rows = new Map();
  #onFailure;

  /**
   * @param {HTMLElement} list
   * @param {import("../client/channel.js").Channel} channel
   * @param {{lastSeq: number, find: (seq: number) => {payload: any} | undefined}} conversation
   * @param {(error: any) => void} onFailure is called with why a message failed
   */
  constructor(list, channel, conversation, onFailure) {
    this.#onFailure = onFailure;
    this.#list = list;
    this.#channel = channel;
    this.#conversation = conversation;
    onOnline((isOnline) => this.#showOnline(isOnline));
    for (const delivery of channel.unsent) if (delivery.event === "message:send") this.#add(delivery);
  }

  /** @param {{text: string, reply_to?: number, mentions?: number[]}} message */
  send(message) {
    this.#add(this.#channel.send("message:send", message));
  }

  /** Show what these messages answer, with the words that it has now. */
  showQuotes() {
    for (const {delivery, element} of this.#rows.values()) {
      const before = element.querySelector(".quote");
      const line = this.#quoteLine(delivery);
      if (line !== null && before?.textContent !== line.textContent) before?.replaceWith(line);
    }
  }

  /** @param {Delivery} delivery */
  #quoteLine({payload: {reply_to: target}}) {
    const answered = target === undefined ? undefined : this.#conversation.find(target);
    return quoteLine({reply_to: target, quote: answered && quoteOf(answered.payload)}, () => {});
  }

  /** The conversation has a message. @param {{id?: string, author: {id: number}}} payload */
  arrived({id, author}) {
    if (id !== undefined && author.id === page.me.id) this.#remove(id);
  }

  /** The conversation has moved on: what it had skipped, over a long absence, does not come any more. */
  caughtUp() {
    for (const [id, {seq}] of this.#rows) if (seq <= this.#conversation.lastSeq) this.#remove(id);
  }

  /** @param {Delivery} delivery */
  #add(delivery) {
    const {text, mentions = []} = delivery.payload;
    const mentioned = page.people.filter(({id}) => mentions.includes(id));
    const element = messageRow({text, author: page.me, mentions: mentioned}, {quote: this.#quoteLine(delivery)});
    const note = h("p", {class: "delivery"});
    element.querySelector(".bubble")?.append(note);
    const row = {delivery, element, note, seq: Infinity};
    this.#rows.set(delivery.id, row);
    this.#list.append(element);
    delivery.onState(() => this.#show(row));
  }

  /** @param {Row} row */
  #show({delivery, element, note}) {
    const {id, state} = delivery;
    element.classList.toggle("failed", state === "failed");
    if (state === "failed") this.#onFailure(delivery.error);
    if (state === "sent") delivery.promise.then(({seq}) => this.#stored(id, seq));
    if (state === "cancelled") this.#remove(id);
    else if (state === "failed") note.replaceChildren(...failure(delivery));
    else if (note.childElementCount > 0) note.replaceChildren(...progress(delivery, this.#isOnline));
    else setTimeout(() => this.#showLate(delivery, note), QUIET_MS);
  }

  /** @param {Delivery} delivery @param {HTMLElement} note */
  #showLate(delivery, note) {
    if (delivery.state !== "failed") note.replaceChildren(...progress(delivery, this.#isOnline));
  }

  /** @param {boolean} isOnline */
  #showOnline(isOnline) {
    this.#isOnline = isOnline;
    for (const {delivery, note} of this.#rows.values()) if (note.childElementCount > 0) this.#showLate(delivery, note);
  }

  /** Its broadcast comes, or came and was lost or skipped. @param {string} id @param {number} seq */
  #stored(id, seq) {
    const row = this.#rows.get(id);
    if (row !== undefined) row.seq = seq;
    this.caughtUp();
  }

  /** @param {string} id */
  #remove(id) {
    this.#rows.get(id)?.element.remove();
    this.#rows.delete(id);
  }
}

/** @param {Delivery} delivery @param {boolean} isOnline */
function progress({state, isRepeat}, isOnline) {
  if (state === "sent") return [icon("check"), _("Sent")];
  if (!isOnline) return [icon("clock"), _("Waiting for the connection")];
  if (isRepeat) return [icon("clock"), _("Trying again…")];
  return [icon("clock"), state === "waiting" ? _("Waiting to be sent") : _("Sending…")];
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
    timeout: _("Not sent: the server gave no answer."),
    taken_away: _("Not sent: this class is no longer one of yours."),
    closed: _("Not sent: the class is closed now."),
    locked: _("Not sent: the chat is locked."),
    muted: _("Not sent: you are muted."),
    slow: _("Not sent: it came too soon after the one before."),
  };
  return words[/** @type {keyof typeof words} */ (error?.code)] ?? _("Not sent.");
}
