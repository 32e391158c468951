// Socket.IO: a room for each class. `socketio.cjs PORT [REDIS_URL]`: with a Redis, several processes serve one port.
"use strict";

const cluster = require("node:cluster");
const http = require("node:http");
const { Server } = require("socket.io");
const { AUTHOR, stamp } = require("./chat.cjs");

const [port, redisUrl] = process.argv.slice(2);
const PROCESSES = 2;
// Pings are the server's, and would come in the middle of a measurement.
const HOUR_MILLISECONDS = 3_600_000;

function serve() {
  const server = http.createServer();
  const io = new Server(server, { pingInterval: HOUR_MILLISECONDS, transports: ["websocket"] });
  if (redisUrl) io.adapter(redisAdapter());
  io.on("connection", (socket) => {
    socket.on("phx_join", (topic, reply) => {
      socket.join(topic);
      reply({});
    });
    socket.on("message:send", (topic, payload, reply) => {
      const response = stamp();
      io.to(topic).emit("message:sent", { topic, ...payload, author: AUTHOR, ...response });
      reply(response);
    });
  });
  server.listen(Number(port), "127.0.0.1", 4096);
}

function redisAdapter() {
  const { createAdapter } = require("@socket.io/redis-adapter");
  const { Redis } = require("ioredis");
  const publisher = new Redis(redisUrl);
  return createAdapter(publisher, publisher.duplicate());
}

if (redisUrl && cluster.isPrimary) {
  for (let number = 0; number < PROCESSES; number++) cluster.fork();
} else {
  serve();
}
