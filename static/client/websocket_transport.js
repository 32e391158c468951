/**
 * The transport over WebSocket.
 *
 * A transport opens when it is made, and then calls its owner: `opened()` at most once, `received(text)` for each frame,
 * `closed(code)` at most once and nothing after it. Once `close` was called it says nothing more, not even `closed`:
 * a browser can take long to give up a dead network, and nobody should wait for that.
 */

import {VERSION} from "./frame.js";

/**
 * @typedef {{opened: () => void, received: (text: string) => void, closed: (code: number) => void}} TransportOwner
 * @typedef {{send: (text: string) => void, close: () => void}} Transport
 * @typedef {new (endpoint: string, owner: TransportOwner) => Transport} TransportClass
 */

/** @implements {Transport} */
export class WebSocketTransport {
  #socket;

  /**
   * @param {string} endpoint a path on this page's server, such as /students/socket
   * @param {TransportOwner} owner
   */
  constructor(endpoint, owner) {
    this.#socket = new WebSocket(address(endpoint));
    this.#socket.onopen = () => owner.opened();
    this.#socket.onmessage = ({data}) => owner.received(data);
    this.#socket.onclose = ({code}) => owner.closed(code);
  }

  /** @param {string} text */
  send(text) {
    this.#socket.send(text);
  }

  close() {
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(1000);
  }
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
