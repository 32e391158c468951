/**
 * npm `phoenix`, the stock client, as a developer would use it with Lousa: joins one class from its position, and pushes
 * under an id, again when there is no answer. What it gets comes as lines of JSON.
 *
 *     LOUSA_URL=ws://127.0.0.1:8888 TOKEN=… PREFIX=ana-1 PACKAGE=phoenix TRANSPORT=longpoll CLASS=class:7 node stock.mjs
 *
 *     {"do": "send", "text"}        {"is": "joined" | "received" | "sent" | "acknowledged", …}
 */

import {createRequire} from "node:module";
import {createInterface} from "node:readline";

const {CLASS, LOUSA_URL, TOKEN, PACKAGE, PREFIX, TRANSPORT} = process.env;
const require = createRequire(new URL("../../interop/package.json", import.meta.url));
const {LongPoll, Socket} = require(PACKAGE);
const {WebSocket} = require("ws");

/** Between a push without an answer and the same again. */
const AGAIN_MS = 1000;
const LEAVING_MS = 300;

const tell = (line) => console.log(JSON.stringify(line));
const transport = TRANSPORT === "longpoll" ? LongPoll : WebSocket;
const socket = new Socket(`${LOUSA_URL}/students/socket`, {params: {access_token: TOKEN}, transport});

let channel;
let position;
let epoch;

function openClass(topic) {
  channel = socket.channel(topic, () => (position === undefined ? {} : {since: position, epoch}));
  channel.on("message:sent", ({seq}) => {
    position = seq;
    tell({is: "received", seq});
  });
  channel.join().receive("ok", ({epoch: journal, events, seq}) => {
    tell({is: "joined", since: position ?? null, seq, seqs: events.map(({payload}) => payload.seq)});
    position = seq;
    epoch = journal;
  });
}

function push(id, text) {
  const again = () => setTimeout(() => push(id, text), AGAIN_MS);
  channel
    .push("message:send", {id, text})
    .receive("ok", ({seq}) => tell({is: "acknowledged", id, seq}))
    .receive("error", again)
    .receive("timeout", again);
}

let pushes = 0;
createInterface({input: process.stdin})
  .on("line", (line) => {
    const id = `${PREFIX}-${(pushes += 1)}`;
    tell({is: "sent", id});
    push(id, JSON.parse(line).text);
  })
  .on("close", () => {
    socket.disconnect();
    setTimeout(() => process.exit(0), LEAVING_MS);
  });

openClass(CLASS);
socket.connect();
