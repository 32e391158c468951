/** The few parts that touch the browser: wake-ups, the question who is signed in, the WebSocket, the storage. */

import assert from "node:assert/strict";
import {afterEach, test} from "node:test";

import {pageClock} from "../../static/client/clock.js";
import {pageEnvironment} from "../../static/client/environment.js";
import {mayBeSignedIn} from "../../static/client/sign_in_status.js";
import {watchWakeups} from "../../static/client/wakeups.js";
import {WebSocketTransport} from "../../static/client/websocket_transport.js";
import {MemoryStorage} from "./support/client.mjs";

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

test("once closed it hears nothing more, without waiting for the other side", () => {
  const {transport, webSocket} = openTransport("http://localhost:8888/");
  transport.close();
  assert.equal(webSocket.closedWith, 1000);
  assert.deepEqual([webSocket.onopen, webSocket.onmessage, webSocket.onclose], [null, null, null]);
});

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
