// uWebSockets.js: each class is a topic of its own publish and subscribe, in C++.
"use strict";

const uWS = require("uwebsockets");
const { handle } = require("./chat.cjs");

const decoder = new TextDecoder();

const app = uWS.App();
app.ws("/socket/websocket", {
  idleTimeout: 0,
  sendPingsAutomatically: false,
  message(client, data) {
    const reply = handle(
      decoder.decode(data),
      (topic) => client.subscribe(topic),
      (topic, text) => app.publish(topic, text),
    );
    client.send(reply);
  },
});
app.listen("127.0.0.1", Number(process.argv[2]), (listening) => {
  if (!listening) process.exit(1);
});
