import assert from "node:assert/strict";
import {test} from "node:test";

import {Cancelled, Refused} from "../../static/client/errors.js";
import {joinedClient, joinReply, MemoryStorage, onlineClient, passTime, reconnect, settled} from "./support/client.mjs";

const TOPIC = "class:7";
const SEND = "message:send";

function sendText(client, text) {
  const delivery = client.channel.send(SEND, {text});
  const states = [];
  delivery.onState((state) => states.push(state));
  return {delivery, states};
}

const sent = ({network}) => network.webSocket.pushes(SEND).map(({payload}) => payload);
const texts = (client) => sent(client).map(({text}) => text);

/** Lose the connection, get a new one and join again. */
function rejoin(client) {
  reconnect(client);
  client.network.webSocket.reply("phx_join", joinReply());
}

test("a durable push goes at once, with an id, and is sent when it is answered", async () => {
  const client = joinedClient();
  const {delivery, states} = sendText(client, "Bom dia");
  assert.deepEqual(sent(client), [{text: "Bom dia", id: delivery.id}]);
  client.network.webSocket.reply(SEND, {seq: 1, at: 5});
  assert.deepEqual(await delivery.promise, {seq: 1, at: 5});
  assert.deepEqual(states, ["sending", "sent"]);
  assert.deepEqual(client.channel.unsent, []);
});

test("one is under way at a time, and they go in the order in which they were sent", () => {
  const client = joinedClient();
  const states = ["one", "two", "three"].map((text) => sendText(client, text).states);
  assert.deepEqual(texts(client), ["one"]);
  assert.deepEqual(states.map((all) => all.at(-1)), ["sending", "waiting", "waiting"]);
  client.network.webSocket.reply(SEND, {seq: 1});
  assert.deepEqual(texts(client), ["one", "two"]);
  client.network.webSocket.reply(SEND, {seq: 2});
  assert.deepEqual(texts(client), ["one", "two", "three"]);
});

test("topics do not wait for each other", () => {
  const client = joinedClient();
  const school = client.socket.channel("school");
  school.join();
  client.network.webSocket.reply("phx_join", joinReply());
  sendText(client, "to the class");
  school.send(SEND, {text: "to the school"});
  assert.deepEqual(texts(client), ["to the class", "to the school"]);
});

test("what is sent while there is no connection goes after the next join, not before", () => {
  const client = joinedClient();
  client.network.webSocket.lose(1012);
  const {states} = sendText(client, "while away");
  client.clock.advance(500);
  client.network.webSocket.open();
  assert.deepEqual(texts(client), []);
  client.network.webSocket.reply("phx_join", joinReply());
  assert.deepEqual(texts(client), ["while away"]);
  assert.deepEqual(states, ["waiting", "sending"]);
});

test("what a lost connection cuts off is sent again under the same id, before all others", () => {
  const client = joinedClient();
  const {delivery, states} = sendText(client, "one");
  sendText(client, "two");
  rejoin(client);
  assert.deepEqual(sent(client), [{text: "one", id: delivery.id}]);
  assert.deepEqual(states, ["sending", "waiting", "sending"]);
  client.network.webSocket.reply(SEND, {seq: 1});
  assert.deepEqual(texts(client), ["one", "two"]);
});

test("what gets no answer in 10 s is sent again under the same id", () => {
  const client = joinedClient();
  const {delivery} = sendText(client, "one");
  passTime(client, 10_000);
  passTime(client, 500);
  assert.deepEqual(sent(client).map(({id}) => id), [delivery.id, delivery.id]);
});

/** Three attempts of 10 s without an answer, each followed by the longest wait before the next. */
function letUnanswered(client) {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    passTime(client, 10_000);
    passTime(client, 2000);
  }
}

test("what gets no answer three times has failed, and the next one goes", () => {
  const client = joinedClient();
  const {delivery, states} = sendText(client, "one");
  sendText(client, "two");
  letUnanswered(client);
  assert.equal(states.at(-1), "failed");
  assert.equal(delivery.error.code, "timeout");
  assert.equal(texts(client).filter((text) => text === "one").length, 3);
  assert.equal(texts(client).at(-1), "two");
});

test("what got no answer is not sent again by a reload", () => {
  const storage = new MemoryStorage();
  const before = joinedClient({storage});
  sendText(before, "one");
  letUnanswered(before);
  const after = onlineClient({storage});
  after.channel = after.socket.channel(TOPIC);
  after.channel.join();
  after.network.webSocket.reply("phx_join", joinReply());
  sendText(after, "two");
  assert.deepEqual(texts(after), ["two"]);
  assert.equal(after.channel.unsent[0].error.code, "timeout");
});

test("half an emoji is replaced before it is sent, shown or kept", () => {
  const storage = new MemoryStorage();
  const client = joinedClient({storage});
  const {delivery} = sendText(client, "meio \ud83d");
  assert.deepEqual(texts(client), ["meio \ufffd"]);
  assert.equal(delivery.payload.text, "meio \ufffd");
  assert.ok(!storage.getItem(storage.key(0)).includes("\\ud83d"));
});

test("half an emoji that an older page has kept is replaced, too", () => {
  const storage = new MemoryStorage();
  const before = joinedClient({storage});
  sendText(before, "meio X");
  const name = storage.key(0);
  storage.setItem(name, storage.getItem(name).replace("X", "\\ud83d"));
  const after = joinedClient({storage});
  assert.deepEqual(texts(after), ["meio \ufffd"]);
});

test("too fast waits as long as the server says, and the others behind it", () => {
  const client = joinedClient();
  const {states} = sendText(client, "one");
  sendText(client, "two");
  client.network.webSocket.refuse(SEND, {code: "too_fast", message: "Slow down.", retry_after: 700});
  assert.equal(states.at(-1), "waiting");
  client.clock.advance(699);
  assert.deepEqual(texts(client), ["one"]);
  client.clock.advance(1);
  assert.deepEqual(texts(client), ["one", "one"]);
  client.network.webSocket.reply(SEND, {seq: 1});
  assert.deepEqual(texts(client), ["one", "one", "two"]);
});

for (const code of ["overloaded", "unavailable"]) {
  test(`${code} waits with jitter, ever longer`, () => {
    const client = joinedClient({random: () => 0.999999});
    sendText(client, "one");
    const waits = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      client.network.webSocket.refuse(SEND, {code, message: "Later."});
      let wait = 0;
      for (; sent(client).length === attempt; wait += 100) passTime(client, 100);
      waits.push(wait);
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
  });
}

test("the time that the server asks for comes before the jitter", () => {
  const client = joinedClient();
  sendText(client, "one");
  client.network.webSocket.refuse(SEND, {code: "overloaded", message: "Later.", retry_after: 2000});
  client.clock.advance(2499);
  assert.equal(sent(client).length, 1);
  client.clock.advance(1);
  assert.equal(sent(client).length, 2);
});

for (const code of ["forbidden", "bad_payload", "unknown_event", "internal"]) {
  test(`${code} is final: it has failed, and the next one goes`, async () => {
    const client = joinedClient();
    const {delivery, states} = sendText(client, "one");
    sendText(client, "two");
    client.network.webSocket.refuse(SEND, {code, message: "No."});
    await assert.rejects(delivery.promise, {name: "Refused", code});
    assert.deepEqual(states, ["sending", "failed"]);
    assert.equal(delivery.error.message, "No.");
    assert.deepEqual(texts(client), ["one", "two"]);
  });
}

test("a failed one is sent again when the user asks: last, under its id, with a promise of its own", async () => {
  const client = joinedClient();
  const {delivery, states} = sendText(client, "one");
  client.network.webSocket.refuse(SEND, {code: "internal", message: "No."});
  await assert.rejects(delivery.promise, Refused);
  sendText(client, "two");
  delivery.retry();
  assert.equal(delivery.error, null);
  client.network.webSocket.reply(SEND, {seq: 1});
  assert.deepEqual(sent(client).at(-1), {text: "one", id: delivery.id});
  client.network.webSocket.reply(SEND, {seq: 2});
  assert.deepEqual(await delivery.promise, {seq: 2});
  assert.deepEqual(states, ["sending", "failed", "waiting", "sending", "sent"]);
});

test("retry means nothing for one that has not failed", () => {
  const client = joinedClient();
  const {delivery} = sendText(client, "one");
  delivery.retry();
  client.network.webSocket.reply(SEND, {seq: 1});
  delivery.retry();
  assert.deepEqual(texts(client), ["one"]);
});

test("a waiting one that is cancelled is never sent", async () => {
  const client = joinedClient();
  sendText(client, "one");
  const {delivery, states} = sendText(client, "two");
  delivery.cancel();
  await assert.rejects(delivery.promise, Cancelled);
  client.network.webSocket.reply(SEND, {seq: 1});
  assert.deepEqual(texts(client), ["one"]);
  assert.deepEqual(states, ["waiting", "cancelled"]);
});

test("one that is cancelled under way is not sent again, and the next waits for its answer to keep the order", () => {
  const client = joinedClient();
  const {delivery, states} = sendText(client, "one");
  sendText(client, "two");
  delivery.cancel();
  assert.deepEqual(texts(client), ["one"]);
  client.network.webSocket.refuse(SEND, {code: "unavailable", message: "Later."});
  assert.deepEqual(texts(client), ["one", "two"]);
  assert.deepEqual(states, ["sending", "cancelled"]);
});

test("a failed one can be cancelled, a sent one cannot", () => {
  const client = joinedClient();
  const failed = sendText(client, "one").delivery;
  client.network.webSocket.refuse(SEND, {code: "forbidden", message: "No."});
  failed.cancel();
  assert.deepEqual(client.channel.unsent, []);
  const done = sendText(client, "two").delivery;
  client.network.webSocket.reply(SEND, {seq: 1});
  done.cancel();
  assert.deepEqual([failed.state, done.state], ["cancelled", "sent"]);
});

test("when the topic is taken away everything in it has failed, and can be tried when it is back", () => {
  const client = joinedClient();
  const one = sendText(client, "one");
  const two = sendText(client, "two");
  const {joinRef} = client.network.webSocket.push("phx_join");
  client.network.webSocket.receive({joinRef, ref: joinRef, topic: TOPIC, event: "phx_close"});
  assert.deepEqual([one.delivery.state, two.delivery.state], ["failed", "failed"]);
  client.network.webSocket.reply(SEND, {seq: 1});
  assert.equal(one.delivery.state, "failed");
  one.delivery.retry();
  client.channel.join();
  client.network.webSocket.reply("phx_join", joinReply());
  assert.deepEqual(texts(client), ["one", "one"]);
});

test("a push that the server has no join for is sent again after the next one", () => {
  const client = joinedClient();
  const {delivery} = sendText(client, "one");
  client.network.webSocket.refuse(SEND, {code: "unmatched_topic", message: "Join first."});
  client.clock.advance(500);
  client.network.webSocket.reply("phx_join", joinReply());
  assert.deepEqual(sent(client).map(({id}) => id), [delivery.id, delivery.id]);
});

test("more than a hundred waiting fail at once, and can be retried when there is room", () => {
  const client = joinedClient();
  for (let number = 1; number <= 100; number += 1) sendText(client, `message ${number}`);
  const {delivery} = sendText(client, "one too many");
  assert.deepEqual([delivery.state, delivery.error.code], ["failed", "too_many_unsent"]);
  assert.equal(client.channel.unsent.length, 100);
  delivery.retry();
  assert.equal(delivery.state, "failed");
  client.network.webSocket.reply(SEND, {seq: 1});
  delivery.retry();
  assert.equal(delivery.state, "waiting");
});

test("one that no frame can carry fails at once, instead of costing the connection at each try", () => {
  const client = joinedClient();
  const {delivery} = sendText(client, "ã".repeat(40_000));
  assert.deepEqual([delivery.state, delivery.error.code], ["failed", "bad_payload"]);
  assert.deepEqual(texts(client), []);
});

test("unsent pushes survive a reload, in order and under their ids, and so does why one failed", async () => {
  const storage = new MemoryStorage();
  const before = joinedClient({storage});
  const failed = sendText(before, "refused").delivery;
  before.network.webSocket.refuse(SEND, {code: "forbidden", message: "No."});
  const ids = ["one", "two"].map((text) => sendText(before, text).delivery.id);

  const after = onlineClient({storage, newIdentifier: () => "new"});
  after.channel = after.socket.channel(TOPIC);
  const unsent = after.channel.unsent.map(({id, state, error}) => [id, state, error?.code]);
  assert.deepEqual(unsent, [[failed.id, "failed", "forbidden"], [ids[0], "waiting", undefined], [ids[1], "waiting", undefined]]);
  after.channel.join();
  after.network.webSocket.reply("phx_join", joinReply());
  const third = sendText(after, "three").delivery;
  for (let answer = 1; answer <= 3; answer += 1) after.network.webSocket.reply(SEND, {seq: answer});
  assert.deepEqual(sent(after).map(({id}) => id), [...ids, third.id]);
  assert.deepEqual(after.channel.unsent.map(({id}) => id), [failed.id]);
});

test("what was answered is not kept", () => {
  const storage = new MemoryStorage();
  const client = joinedClient({storage});
  sendText(client, "one");
  assert.equal(storage.length, 1);
  client.network.webSocket.reply(SEND, {seq: 1});
  assert.equal(storage.length, 0);
});

test("a page that looks at the state only gets no unhandled rejection", async () => {
  const client = joinedClient();
  sendText(client, "one");
  client.network.webSocket.refuse(SEND, {code: "forbidden", message: "No."});
  await settled();
});

test("it tells an attempt that is another of the same from one that waits for its turn", () => {
  const client = joinedClient();
  const {delivery: one} = sendText(client, "one");
  const {delivery: two} = sendText(client, "two");
  client.network.webSocket.refuse(SEND, {code: "too_fast", message: "Slow down.", retry_after: 700});
  assert.deepEqual([one.isRepeat, two.isRepeat], [false, false]);
  client.clock.advance(700);
  client.network.webSocket.refuse(SEND, {code: "unavailable", message: "Later."});
  assert.deepEqual([one.isRepeat, two.isRepeat], [true, false]);
  rejoin(client);
  client.network.webSocket.reply(SEND, {seq: 1});
  client.network.webSocket.lose();
  assert.deepEqual([two.state, two.isRepeat], ["waiting", true]);
});
