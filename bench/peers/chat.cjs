// What the peers in Node share: a message of Lousa's protocol in, the reply and the broadcast out.
"use strict";

const AUTHOR = { id: 1234, name: "Student00001 Silva", role: "student" };

let seq = 0;

function stamp() {
  return { seq: ++seq, at: Date.now() };
}

// Takes a client's frame. `join(topic)` is called for a join, and `broadcast(topic, text)` for a message.
// Returns the reply's text.
function handle(text, join, broadcast) {
  const [joinRef, ref, topic, event, payload] = JSON.parse(text);
  let response = {};
  if (event === "phx_join") {
    join(topic);
  } else if (event === "message:send") {
    response = stamp();
    const message = { ...payload, author: AUTHOR, ...response };
    broadcast(topic, JSON.stringify([null, null, topic, "message:sent", message]));
  }
  return JSON.stringify([joinRef, ref, topic, "phx_reply", { status: "ok", response }]);
}

module.exports = { AUTHOR, stamp, handle };
