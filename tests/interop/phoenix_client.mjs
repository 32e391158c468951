// Phoenix' stock client for JavaScript in Node, unchanged: `node phoenix_client.mjs '{"package": "phoenix", …}'` gives
// conversation.mjs what it is given, prints what that tells as JSON, and ends with 0 when all came true.
import { run } from "./conversation.mjs";
import WebSocket from "ws";

// What a browser keeps for a page.
const kept = new Map();
const sessionStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };

const given = JSON.parse(process.argv[2]);
console.log(JSON.stringify(await run(given, await import(given.package), WebSocket, sessionStorage)));
// Without waiting for connections that a filter keeps from closing.
process.exit(0);
