/** The transport over WebSocket. */

import {VERSION} from "./frame.js";
import {ABNORMAL} from "./transport.js";

/**
 * @typedef {import("./transport.js").Transport} Transport
 * @typedef {import("./transport.js").TransportOwner} TransportOwner
 */

/** @implements {Transport} */
export class WebSocketTransport {
  /** It may be open to something that forwards nothing. */
  needsHeartbeat = true;
  #socket;
  #isClosed = false;

  /**
   * @param {string} endpoint
   * @param {TransportOwner} owner
   */
  constructor(endpoint, owner) {
    this.#socket = open(endpoint);
    if (this.#socket === null) queueMicrotask(() => this.#isClosed || owner.closed(ABNORMAL));
    else listen(this.#socket, owner);
  }

  /** @param {string} text */
  send(text) {
    this.#socket?.send(text);
  }

  /** There is nothing to hasten: a WebSocket is open, or it is not. */
  wake() {}

  close() {
    this.#isClosed = true;
    if (this.#socket === null) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(1000);
  }
}

/**
 * Return null in a browser that a school has forbidden WebSockets: there the name is missing, or using it throws.
 * @param {string} endpoint
 */
function open(endpoint) {
  try {
    return new WebSocket(address(endpoint));
  } catch {
    return null;
  }
}

/**
 * @param {WebSocket} socket
 * @param {TransportOwner} owner
 */
function listen(socket, owner) {
  socket.onopen = () => owner.opened();
  socket.onmessage = ({data}) => owner.received(data);
  socket.onclose = ({code}) => owner.closed(code);
}

/**
 * Older browsers take absolute addresses with ws: or wss: only.
 * @param {string} endpoint
 */
function address(endpoint) {
  const url = new URL(`${endpoint}/websocket?vsn=${VERSION}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
