/** Follows the open flags of a topic, and pushes what somebody has done about them. */

import {newIdentifier} from "../client/identifier.js";
import {throttled} from "../throttle.js";
import {CLOSED, FLAGGED, OpenFlags, SEEN} from "./open_flags.js";

/** The end of every topic (channels/field.py). */
const END = 2 ** 53;
/** As many as the server reads at once (channels/limit.py). */
const PAGE = 200;

/** @typedef {import("../client/channel.js").Channel} Channel */
/** @typedef {import("./open_flags.js").Case} Case */

/** @param {Channel} channel @param {() => void} changed called in the next frame after changes @returns {OpenFlags} */
export function followFlags(channel, changed) {
  const flags = new OpenFlags();
  const tell = throttled(changed);
  channel.onJoin(({state}) => {
    flags.begin(state.flags);
    tell();
  });
  for (const event of [FLAGGED, SEEN, CLOSED]) {
    channel.on(event, (payload) => {
      flags.take({event, payload});
      tell();
    });
  }
  return flags;
}

/** The flags of which this page has told their reporters. @type {Set<string>} */
const told = new Set();

/** Tell the reporters that somebody has looked at their flags. @param {Channel} channel @param {OpenFlags} flags */
export async function tellSeen(channel, flags) {
  for (const target of flags.unseen) {
    const flag = `${channel.topic} ${target}`;
    if (told.has(flag)) continue;
    told.add(flag);
    await pushPatiently(channel, "flag:see", {target}).catch(() => told.delete(flag)); // or somebody else did
  }
}

/** Close all flags of a message. @param {Channel} channel @param {Case} found @param {string} outcome */
export async function closeCase(channel, {flags}, outcome) {
  for (const {seq} of flags) await pushPatiently(channel, "flag:close", {target: seq, outcome}).catch(passOver);
}

/** Hide the message, and close its flags. @param {Channel} classroom @param {Channel} channel @param {Case} found @param {string} outcome */
export async function hideMessage(classroom, channel, found, outcome) {
  await classroom.push("message:hide", {target: found.target, id: newIdentifier()}).catch(passOver);
  await closeCase(channel, found, outcome);
}

/** Read those that the state does not list. @param {Channel} channel @param {OpenFlags} flags */
export async function readOlder(channel, flags) {
  let before = END;
  let more = true;
  while (more && flags.more > 0) {
    const page = await channel.push("history:read", {before, event: FLAGGED, limit: PAGE});
    flags.addOlder(page.events);
    more = page.more;
    before = page.events[0]?.payload.seq ?? 0;
  }
}

/** A whole class may flag one message: the server takes ten pushes a second. @param {Channel} channel @param {string} event @param {Record<string, unknown>} payload */
async function pushPatiently(channel, event, payload) {
  const push = {...payload, id: newIdentifier()};
  for (;;) {
    try {
      return await channel.push(event, push);
    } catch (/** @type {any} */ error) {
      if (error.code !== "too_fast") throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfter ?? 1000));
    }
  }
}

/** Somebody else has closed it meanwhile, or hidden it. @param {any} error */
function passOver(error) {
  if (error.code !== "forbidden") throw error;
}
