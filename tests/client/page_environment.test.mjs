/** The few parts that touch the browser: wake-ups, requests, the WebSocket, the network, the storage. */

import assert from "node:assert/strict";
import {afterEach, test} from "node:test";

import {pageClock} from "../../static/client/clock.js";
import {pageEnvironment} from "../../static/client/environment.js";
import {networkType, watchNetwork} from "../../static/client/network.js";
import {sendRequest} from "../../static/client/request.js";
import {mayBeSignedIn} from "../../static/client/sign_in_status.js";
import {watchLeaving, watchUse, watchWakeups} from "../../static/client/wakeups.js";
import {WebSocketTransport} from "../../static/client/websocket_transport.js";
import {MemoryStorage, settled} from "./support/client.mjs";

const replaced = new Map();

/** Put something in the place of a global until the test is over. */
function replaceGlobal(name, value) {
  if (!replaced.has(name)) replaced.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
  Object.defineProperty(globalThis, name, {configurable: true, ...value});
}

afterEach(() => {
  for (const [name, descriptor] of replaced) {
    if (descriptor === undefined) delete globalThis[name];
    else Object.defineProperty(globalThis, name, descriptor);
  }
  replaced.clear();
});

class FakeWebSocket {
  static made = [];
  sent = [];
  onopen = null;
  onmessage = null;
  onclose = null;
  closedWith = null;

  constructor(address) {
    this.address = address;
    FakeWebSocket.made.push(this);
  }

  send(text) {
    this.sent.push(text);
  }

  close(code) {
    this.closedWith = code;
  }
}

function openTransport(page) {
  replaceGlobal("WebSocket", {value: FakeWebSocket});
  replaceGlobal("location", {value: new URL(page)});
  const calls = [];
  const transport = new WebSocketTransport("/students/socket", {
    opened: () => calls.push("opened"),
    received: (text) => calls.push(text),
    closed: (code) => calls.push(code),
  });
  return {transport, calls, webSocket: FakeWebSocket.made.at(-1)};
}

test("the address is that of the page's server, in the clear or behind TLS as the page is", () => {
  const {webSocket} = openTransport("http://192.168.0.10:8888/students/classes/7");
  assert.equal(webSocket.address, "ws://192.168.0.10:8888/students/socket/websocket?vsn=2.0.0");
  const secure = openTransport("https://lousa.example/students/").webSocket;
  assert.equal(secure.address, "wss://lousa.example/students/socket/websocket?vsn=2.0.0");
});

test("the transport tells what the WebSocket does", () => {
  const {transport, calls, webSocket} = openTransport("http://localhost:8888/");
  webSocket.onopen();
  webSocket.onmessage({data: "frame"});
  transport.send("mine");
  webSocket.onclose({code: 1012});
  assert.deepEqual(calls, ["opened", "frame", 1012]);
  assert.deepEqual(webSocket.sent, ["mine"]);
});

test("once closed it receives nothing more, without waiting for the other side", () => {
  const {transport, webSocket} = openTransport("http://localhost:8888/");
  transport.close();
  assert.equal(webSocket.closedWith, 1000);
  assert.deepEqual([webSocket.onopen, webSocket.onmessage, webSocket.onclose], [null, null, null]);
});

const noWebSockets = {
  "has no WebSocket": {value: undefined},
  "forbids WebSockets": {value: class { constructor() { throw new DOMException("denied", "SecurityError"); } }},
};
for (const [kind, webSocket] of Object.entries(noWebSockets)) {
  test(`in a browser that ${kind} the attempt fails, once its owner can notice`, async () => {
    replaceGlobal("WebSocket", webSocket);
    replaceGlobal("location", {value: new URL("http://localhost:8888/")});
    const codes = [];
    const owner = {opened() {}, received() {}, closed: (code) => codes.push(code)};
    new WebSocketTransport("/students/socket", owner);
    new WebSocketTransport("/students/socket", owner).close();
    assert.deepEqual(codes, []);
    await settled();
    assert.deepEqual(codes, [1006]);
  });
}

function fakePage() {
  const page = {window: new EventTarget(), document: Object.assign(new EventTarget(), {visibilityState: "visible"})};
  replaceGlobal("window", {value: page.window});
  replaceGlobal("document", {value: page.document});
  return page;
}

for (const name of ["online", "offline", "focus", "pageshow"]) {
  test(`the window's ${name} is a wake-up, until the watch ends`, () => {
    const {window} = fakePage();
    let wakes = 0;
    const end = watchWakeups(() => (wakes += 1));
    window.dispatchEvent(new Event(name));
    assert.equal(wakes, 1);
    end();
    window.dispatchEvent(new Event(name));
    assert.equal(wakes, 1);
  });
}

test("a page that becomes visible is a wake-up, one that is hidden is not", () => {
  const {document} = fakePage();
  let wakes = 0;
  const end = watchWakeups(() => (wakes += 1));
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(wakes, 0);
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  document.dispatchEvent(new Event("resume"));
  assert.equal(wakes, 2);
  end();
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(wakes, 2);
});

for (const name of ["keydown", "pointerdown"]) {
  test(`the window's ${name} is use of the page, until the watch ends`, () => {
    const {window} = fakePage();
    let uses = 0;
    const end = watchUse(() => (uses += 1));
    window.dispatchEvent(new Event(name));
    assert.equal(uses, 1);
    end();
    window.dispatchEvent(new Event(name));
    assert.equal(uses, 1);
  });
}

test("a page that goes away says so, until the watch ends", () => {
  const {window} = fakePage();
  let leaves = 0;
  const end = watchLeaving(() => (leaves += 1));
  window.dispatchEvent(new Event("pagehide"));
  end();
  window.dispatchEvent(new Event("pagehide"));
  assert.equal(leaves, 1);
});

function fakeNetwork(type) {
  const connection = Object.assign(new EventTarget(), {type});
  replaceGlobal("navigator", {value: {connection}});
  return connection;
}

test("the network is another one when it came back, or when its type is another", () => {
  const {window} = fakePage();
  const connection = fakeNetwork("wifi");
  let changes = 0;
  const end = watchNetwork(() => (changes += 1));
  window.dispatchEvent(new Event("online"));
  assert.equal(changes, 1);
  connection.dispatchEvent(new Event("change"));
  assert.equal(changes, 1, "its speed changed");
  connection.type = "cellular";
  connection.dispatchEvent(new Event("change"));
  assert.equal(changes, 2);
  end();
  connection.type = "wifi";
  connection.dispatchEvent(new Event("change"));
  window.dispatchEvent(new Event("online"));
  assert.equal(changes, 2);
});

for (const [kind, navigator] of Object.entries({"nothing of its network": {}, "no type of it": {connection: {}}})) {
  test(`a browser that tells ${kind} is on one network, always`, () => {
    const {window} = fakePage();
    replaceGlobal("navigator", {value: navigator});
    assert.equal(networkType(), "unknown");
    if (navigator.connection !== undefined) return;
    let changes = 0;
    const end = watchNetwork(() => (changes += 1));
    window.dispatchEvent(new Event("online"));
    assert.equal(changes, 1);
    end();
  });
}

/** Send a request, and return what came of it. */
function requested(request, timeoutMs = 1000) {
  return new Promise((resolve) => sendRequest({method: "GET", path: "/", ...request}, timeoutMs, resolve));
}

test("a request goes as it is given, past the cache, and is answered with an object", async () => {
  const sent = [];
  replaceGlobal("fetch", {value: async (path, {signal, ...options}) => {
    sent.push({path, ...options});
    return Response.json({status: 200});
  }});
  const request = {method: "POST", path: "/students/socket/longpoll", headers: {a: "b"}, body: "[1]", keepalive: true};
  assert.deepEqual(await requested(request), {status: 200});
  assert.deepEqual(sent, [{...request, cache: "no-store", redirect: "error"}]);
});

const noAnswers = {
  "a page": async () => new Response("<html>"),
  "a number": async () => Response.json(7),
  "null": async () => Response.json(null),
  "an error": async () => { throw new TypeError("fetch failed"); },
};
for (const [kind, answer] of Object.entries(noAnswers)) {
  test(`${kind} is no answer`, async () => {
    replaceGlobal("fetch", {value: answer});
    assert.equal(await requested({}), null);
  });
}

test("the code of the response says nothing: what it says is in the object", async () => {
  replaceGlobal("fetch", {value: async () => Response.json({status: 413}, {status: 413})});
  assert.deepEqual(await requested({}), {status: 413});
});

/** A fetch that is never answered, and notes when it is given up. */
function endlessFetch() {
  const given = {up: 0};
  replaceGlobal("fetch", {value: (path, {signal}) => new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      given.up += 1;
      reject(signal.reason);
    });
  })});
  return given;
}

test("a request that is not answered in its time is given up", async () => {
  const given = endlessFetch();
  assert.equal(await requested({}, 5), null);
  assert.equal(given.up, 1);
});

test("a request that is taken back is not answered", async () => {
  const given = endlessFetch();
  const answers = [];
  sendRequest({method: "GET", path: "/"}, 5, (answer) => answers.push(answer))();
  assert.equal(given.up, 1);
  await new Promise((resolve) => pageClock.after(20, resolve));
  assert.deepEqual(answers, []);
});

const answers = [
  ["nobody is signed in", async () => Response.json({signed_in: false}), false],
  ["somebody is signed in", async () => Response.json({signed_in: true}), true],
  ["the server is in trouble", async () => new Response("", {status: 502}), true],
  ["a proxy answers with a page", async () => new Response("<html>"), true],
  ["nothing answers", async () => { throw new TypeError("fetch failed"); }, true],
];
for (const [situation, answer, expected] of answers) {
  test(`${expected ? "we may be" : "we are not"} signed in when ${situation}`, async () => {
    const asked = [];
    replaceGlobal("fetch", {value: async (path, options) => {
      asked.push([path, options.cache]);
      return answer();
    }});
    assert.equal(await mayBeSignedIn(), expected);
    assert.deepEqual(asked, [["/accounts/status", "no-store"]]);
  });
}

test("unsent pushes are kept in the tab's storage when the user is named, and not otherwise", () => {
  const storage = new MemoryStorage();
  replaceGlobal("sessionStorage", {value: storage});
  pageEnvironment(null).store.save("class:7", [{id: "a"}]);
  assert.equal(storage.length, 0);
  pageEnvironment("17").store.save("class:7", [{id: "a"}]);
  assert.equal(storage.key(0), "lousa:unsent:17:class:7");
});

test("a browser that forbids storage costs nothing but that", () => {
  replaceGlobal("sessionStorage", {get: () => { throw new DOMException("denied", "SecurityError"); }});
  const {store} = pageEnvironment("17");
  store.save("class:7", [{id: "a"}]);
  assert.deepEqual(store.load("class:7"), []);
});

test("that WebSockets are blocked is kept for all pages; where that is forbidden, by this one", () => {
  const storage = new MemoryStorage();
  replaceGlobal("navigator", {value: {}});
  replaceGlobal("localStorage", {value: storage});
  pageEnvironment("17").blockMemory.remember();
  assert.equal(storage.key(0), "lousa:websocket-blocked:unknown");
  replaceGlobal("localStorage", {get: () => { throw new DOMException("denied", "SecurityError"); }});
  const {blockMemory} = pageEnvironment("17");
  blockMemory.remember();
  assert.notEqual(blockMemory.until, null);
});

test("each kind of transport is the page's own", () => {
  replaceGlobal("WebSocket", {value: FakeWebSocket});
  replaceGlobal("location", {value: new URL("http://localhost:8888/")});
  endlessFetch();
  const {transports} = pageEnvironment(null);
  const owner = {opened() {}, received() {}, closed() {}};
  for (const kind of ["websocket", "longpoll"]) {
    const transport = transports[kind]("/students/socket", owner);
    assert.equal(transport.needsHeartbeat, kind === "websocket");
    transport.wake();
    transport.close();
  }
});

test("the browser's word for being without network is taken", () => {
  replaceGlobal("navigator", {value: {onLine: false}});
  assert.equal(pageEnvironment(null).networkIsDown(), true);
});

test("the page's clock calls once, unless it is called off", async () => {
  const calls = [];
  pageClock.after(0, () => calls.push("called off"))();
  await new Promise((resolve) => pageClock.after(1, resolve));
  assert.deepEqual(calls, []);
  assert.equal(Math.abs(pageClock.now() - Date.now()) < 1000, true);
});
