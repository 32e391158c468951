/**
 * A class page without its looks, in Node: the browser's client in an environment that stands in for the browser's, and
 * what it hands to the page, as lines of JSON. It reads what to do from its input, until that ends.
 *
 *     LOUSA_URL=http://127.0.0.1:8888 TOKEN=… PREFIX=ana-1 WEBSOCKETS=forbidden node page.mjs
 *
 *     {"do": "send", "topic", "text"}       {"do": "read", "topic", "after", "limit"}       {"do": "change_network"}
 *     {"is": "state" | "classes" | "joined" | "received" | "sent" | "acknowledged" | "failed" | "read" | "closed", …}
 */

import {createRequire} from "node:module";
import {createInterface} from "node:readline";

import {BlockMemory} from "../../../static/client/block_memory.js";
import {pageClock} from "../../../static/client/clock.js";
import {Socket} from "../../../static/client/socket.js";

const {LOUSA_URL, TOKEN, PREFIX, WEBSOCKETS} = process.env;
const {WebSocket: NodeWebSocket} = createRequire(new URL("../../interop/package.json", import.meta.url))("ws");

/** A farewell may still be under way. */
const LEAVING_MS = 300;

const headers = {cookie: `lousa_session=${TOKEN}`, origin: LOUSA_URL};
const fetchAbsolute = globalThis.fetch;

// What the client finds in a browser: a page's address, and requests that carry its cookie.
globalThis.location = {href: `${LOUSA_URL}/`};
globalThis.fetch = (path, options = {}) =>
  fetchAbsolute(new URL(path, LOUSA_URL), {...options, headers: {...options.headers, ...headers}});
if (WEBSOCKETS !== "forbidden") {
  globalThis.WebSocket = class extends NodeWebSocket {
    constructor(address) {
      super(address, {headers});
      this.on("error", () => {}); // a browser tells a page of the end only
    }
  };
}

let changeNetwork = () => {};
let identifiers = 0;

const socket = new Socket("/students/socket", {
  environment: {
    newIdentifier: () => `${PREFIX}-${(identifiers += 1)}`,
    blockMemory: new BlockMemory(null, pageClock, () => "wifi"),
    watchWakeups: () => () => {},
    watchUse: () => () => {},
    watchNetwork: (changed) => {
      changeNetwork = changed;
      return () => {};
    },
    watchLeaving: () => () => {},
    networkIsDown: () => false,
  },
});

const tell = (line) => console.log(JSON.stringify(line));
const payloads = (events) => events.map(({payload}) => payload);

function openClass(topic) {
  const channel = socket.channel(topic, {present: true});
  let last = null; // of what the page was handed
  channel.onJoin(({complete, events, seq, response}) => {
    tell({is: "joined", topic, since: last, epoch: response.epoch, seq, complete, messages: payloads(events)});
    last = seq;
  });
  channel.on("message:sent", (message) => {
    tell({is: "received", topic, message});
    last = message.seq;
  });
  channel.onClose(({code}) => tell({is: "closed", topic, why: code}));
  channel.join();
}

const does = {
  send({topic, text}) {
    const delivery = socket.channel(topic).send("message:send", {text});
    const {id} = delivery;
    tell({is: "sent", topic, id, text});
    delivery.promise.then(
      ({seq}) => tell({is: "acknowledged", topic, id, seq}),
      (error) => tell({is: "failed", topic, id, why: String(error)}),
    );
  },
  async read({topic, after, limit}) {
    try {
      const {events} = await socket.channel(topic).push("history:read", {after, limit});
      tell({is: "read", topic, after, messages: payloads(events)});
    } catch {
      tell({is: "read", topic, after, messages: null});
    }
  },
  change_network() {
    changeNetwork();
  },
};

const me = socket.channel("user:me");
let isKnown = false;
me.onJoin(({response}) => {
  if (isKnown) return;
  isKnown = true;
  const classes = response.topics.map(({topic}) => topic).filter((topic) => topic.startsWith("class:"));
  tell({is: "classes", topics: classes});
  classes.forEach(openClass);
});
me.join();
socket.onState(({status, transport}) => tell({is: "state", status, transport}));
socket.connect();

createInterface({input: process.stdin})
  .on("line", (line) => {
    const command = JSON.parse(line);
    does[command.do](command);
  })
  .on("close", () => {
    socket.disconnect();
    setTimeout(() => process.exit(0), LEAVING_MS);
  });
