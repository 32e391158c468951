import assert from "node:assert/strict";
import {test} from "node:test";

import {amend, EDITED, HIDDEN, quoted, REACTED, RESTORED, UNREACTED} from "../../static/amended.js";

const ANA = {id: 1, name: "Ana", role: "student"};
const BRUNO = {id: 2, name: "Bruno", role: "student"};

function conversation() {
  return [
    {event: "message:sent", payload: {seq: 3, text: "Quem vem?", author: ANA}},
    {event: "message:sent", payload: {seq: 4, text: "Eu", author: BRUNO, reply_to: 3, quote: {author: ANA, text: "Quem vem?"}}},
    {event: "message:sent", payload: {seq: 5, text: "Eu não", author: BRUNO, reply_to: 3}},
  ];
}

for (const [event, text, words] of [[EDITED, "Vem?", "Vem?"], [HIDDEN, undefined, ""], [RESTORED, "Quem vem?", "Quem vem?"]]) {
  test(`${event} changes the message and the quotes of it`, () => {
    const events = conversation();
    assert.deepEqual(amend(events, {event, payload: {target: 3, text, author: ANA, at: 9}}), [0, 1]);
    assert.equal(events[0].payload.text, words);
    assert.deepEqual(events[1].payload.quote, {author: ANA, text: words});
    assert.equal(events[1].payload.text, "Eu");
    assert.equal(events[2].payload.quote, undefined);
  });
}

test("reactions are of the message alone, and of each user once", () => {
  const events = conversation();
  const react = (event, author) => amend(events, {event, payload: {target: 3, emoji: "👍", author}});
  assert.deepEqual(react(REACTED, ANA), [0]);
  react(REACTED, BRUNO);
  react(REACTED, ANA);
  assert.deepEqual(events[0].payload.reactions, [{emoji: "👍", users: [BRUNO, ANA]}]);
  react(UNREACTED, BRUNO);
  react(UNREACTED, ANA);
  assert.deepEqual(events[0].payload.reactions, []);
});

test("a quote has as many characters as the server's", () => {
  assert.equal(quoted("x".repeat(160)), "x".repeat(160));
  assert.equal(Array.from(quoted("😀".repeat(161))).length, 160);
  assert.ok(quoted("x".repeat(161)).endsWith("x…"));
});
