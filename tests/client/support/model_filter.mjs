/** A school's web filter, between a client and its server: what it does to WebSockets is its mode. Polls pass. */

const MODES = ["pass", "refuse", "hang", "kill", "swallow"];

export class ModelFilter {
  static MODES = MODES;
  mode = "pass";
  opened = 0;
  #clock;
  #random;
  #open;
  #passing = new Set();

  /** `open` opens a WebSocket where none is blocked. */
  constructor(clock, random, open) {
    this.#clock = clock;
    this.#random = random;
    this.#open = open;
  }

  /** Change what it does. Those that are open are cut off. */
  switchTo(mode) {
    this.mode = mode;
    for (const webSocket of [...this.#passing]) this.#cut(webSocket);
  }

  /** Open a WebSocket (see static/client/transport.js). */
  webSocket = (endpoint, owner) => {
    const webSocket = new FilteredWebSocket(owner);
    this.opened += 1;
    if (this.mode === "pass" || this.mode === "kill") this.#letThrough(endpoint, webSocket);
    else if (this.mode === "refuse") this.#after(50, () => webSocket.closed(1006));
    else if (this.mode === "swallow") this.#after(50, () => webSocket.opened());
    return webSocket;
  };

  #letThrough(endpoint, webSocket) {
    webSocket.inner = this.#open(endpoint, {
      opened: () => {
        if (this.mode === "kill") this.#after(100 + this.#random() * 400, () => this.#cut(webSocket));
        webSocket.opened();
      },
      received: (text) => webSocket.received(text),
      closed: (code) => webSocket.closed(code),
    });
    this.#passing.add(webSocket);
  }

  #cut(webSocket) {
    this.#passing.delete(webSocket);
    webSocket.inner.close();
    this.#after(0, () => webSocket.closed(1006));
  }

  #after(ms, act) {
    this.#clock.after(Math.floor(ms), act);
  }
}

/** A client's WebSocket behind the filter; without an inner one it leads nowhere. */
class FilteredWebSocket {
  needsHeartbeat = true;
  inner = null;
  #owner;

  constructor(owner) {
    this.#owner = owner;
  }

  opened() {
    this.#owner?.opened();
  }

  received(text) {
    this.#owner?.received(text);
  }

  closed(code) {
    this.#owner?.closed(code);
  }

  send(text) {
    this.inner?.send(text);
  }

  wake() {}

  close() {
    this.#owner = null;
    this.inner?.close();
  }
}
