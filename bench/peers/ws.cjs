// `ws`, as its documentation leads to it: `send` to each client in a loop.
"use strict";

const { WebSocket, WebSocketServer } = require("ws");
const { handle } = require("./chat.cjs");

const classes = new Map();

function join(client, topic) {
  if (!classes.has(topic)) classes.set(topic, new Set());
  classes.get(topic).add(client);
}

function broadcast(topic, text) {
  for (const client of classes.get(topic)) {
    if (client.readyState === WebSocket.OPEN) client.send(text);
  }
}

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
server.on("connection", (client) => {
  client.on("message", (data) => {
    client.send(handle(data.toString(), (topic) => join(client, topic), broadcast));
  });
  client.on("close", () => {
    for (const members of classes.values()) members.delete(client);
  });
});
