// Phoenix' unchanged JavaScript client in Node: `node phoenix_client.mjs '{"package": "phoenix", …}'` runs a story of
// conversation.mjs with these options, prints its result as JSON, and exits with 0 if every check holds.
import { run } from "./conversation.mjs";
import WebSocket from "ws";

// Stands in for a browser's session storage.
const kept = new Map();
const sessionStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };

const given = JSON.parse(process.argv[2]);
console.log(JSON.stringify(await run(given, await import(given.package), WebSocket, sessionStorage)));
// Exit at once: a filter may keep connections from closing.
process.exit(0);
