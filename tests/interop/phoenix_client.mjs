// The stock client of Phoenix Channels, unchanged, as a developer would use it with Lousa from Node:
//
//     LOUSA_URL=ws://127.0.0.1:8888 ANA=<token> BRUNO=<token> node phoenix_client.mjs
//
// Ana and Bruno meet in a class. Every step is asserted; the program ends with 0 when all came true.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Presence, Socket } from "phoenix";
import WebSocket from "ws";

const { LOUSA_URL, ANA, BRUNO } = process.env;
const PATIENCE_MS = 20_000;
const patience = setTimeout(() => {
  console.error("gave up waiting");
  process.exit(1);
}, PATIENCE_MS);

const connect = (authToken) => {
  const socket = new Socket(`${LOUSA_URL}/students/socket`, { authToken, transport: WebSocket });
  socket.connect();
  return socket;
};

// What `receive("ok")` says, as a promise.
const settled = (push) =>
  new Promise((resolve, reject) => {
    push
      .receive("ok", resolve)
      .receive("error", (response) => reject(new Error(JSON.stringify(response))))
      .receive("timeout", () => reject(new Error("timeout")));
  });

const next = (channel, event) =>
  new Promise((resolve) => {
    const listener = channel.on(event, (payload) => {
      channel.off(event, listener);
      resolve(payload);
    });
  });

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};

const ana = connect(ANA);
const bruno = connect(BRUNO);

// Who am I, and where may I go?
const topicsOf = async (socket) => {
  const me = socket.channel("user:me");
  const { user, topics } = await settled(me.join());
  return { user, topics: topics.map(({ topic }) => topic) };
};
const [anas, brunos] = await Promise.all([topicsOf(ana), topicsOf(bruno)]);
const topic = anas.topics.find((name) => name.startsWith("class:") && brunos.topics.includes(name));
assert.ok(topic, "Ana and Bruno have a class in common");

// Ana keeps her position: after a lost connection the client joins again by itself, with these parameters.
let position;
let epoch;
const seen = [];
const keep = ({ event, payload }) => {
  if (event === "message:sent") seen.push(payload.text);
  position = payload.seq;
};
const follow = (channel) => {
  channel.on("message:sent", (payload) => keep({ event: "message:sent", payload }));
  return channel.join().receive("ok", (reply) => {
    if (position !== undefined) reply.events.forEach(keep);
    ({ seq: position, epoch } = reply);
  });
};
const parameters = () => (position === undefined ? {} : { since: position, epoch });

const anasClass = ana.channel(topic, parameters);
const presence = new Presence(anasClass);
const joined = await settled(follow(anasClass));
assert.equal(joined.complete, true);

// Presence: Bruno comes, and Ana's page shows him.
const here = () => presence.list((id, { user }) => user.name);
const brunosClass = bruno.channel(topic);
await settled(brunosClass.join());
await until(() => here().length === 2);
assert.deepEqual(new Set(here()), new Set([anas.user.name, brunos.user.name]));

// Send and receive.
const answered = next(brunosClass, "message:sent");
const { seq } = await settled(anasClass.push("message:send", { id: "a1", text: "Oi, Bruno!" }));
const message = await answered;
assert.equal(message.text, "Oi, Bruno!");
assert.equal(message.seq, seq);
assert.deepEqual(message.author, anas.user);
await until(() => seen.length === 1);

// Refused: the reason comes back, and nothing breaks.
await assert.rejects(settled(anasClass.push("message:send", { text: "" })), /bad_payload/);

// A lost connection: the stock client reconnects and joins by itself, and gets what it missed.
ana.conn.terminate();
await settled(brunosClass.push("message:send", { text: "Você está aí?" }));
await until(() => seen.length === 2);
assert.deepEqual(seen, ["Oi, Bruno!", "Você está aí?"]);

// Leave, and come back from the position.
await settled(anasClass.leave());
await settled(brunosClass.push("message:send", { text: "Até amanhã." }));
const again = ana.channel(topic, parameters);
const presenceAgain = new Presence(again);
const back = await settled(follow(again));
assert.equal(back.complete, true);
assert.deepEqual(back.events.map(({ payload }) => payload.text), ["Até amanhã."]);

// Bruno goes, and presence says so.
const stillHere = () => presenceAgain.list((id, { user }) => user.name);
await until(() => stillHere().length === 2);
bruno.disconnect();
await until(() => stillHere().length === 1);
assert.deepEqual(stillHere(), [anas.user.name]);

const closed = once(ana.conn, "close");
ana.disconnect();
await closed;
clearTimeout(patience);
