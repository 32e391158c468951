/**
 * Frames as they go over the wire: Phoenix Channels V2, one JSON array `[join_ref, ref, topic, event, payload]` each.
 * The names of the protocol's own events stand here too.
 */

import {wellFormedJson} from "./well_formed.js";

export const VERSION = "2.0.0";

export const JOIN = "phx_join";
export const LEAVE = "phx_leave";
export const REPLY = "phx_reply";
export const CLOSE = "phx_close";
export const ERROR = "phx_error";
export const HEARTBEAT = "heartbeat";

/** The topic of what concerns the connection itself. */
export const CONNECTION_TOPIC = "phoenix";

/** The server's bound on a frame (64 KiB); a larger one would cost us the connection, again at each retry. */
export const MAX_FRAME_BYTES = 64 * 1024;

/**
 * @typedef {Record<string, any>} Payload
 * @typedef {{joinRef: string | null, ref: string | null, topic: string, event: string, payload: Payload}} Frame
 */

/**
 * Turn a frame into text that can be written in UTF-8: the server could not even tell which frame it refuses otherwise.
 * @param {Frame} frame
 */
export function encode({joinRef, ref, topic, event, payload}) {
  return wellFormedJson([joinRef, ref, topic, event, payload]);
}

/**
 * Read a frame; null when it is none.
 * @param {unknown} text
 * @returns {Frame | null}
 */
export function decode(text) {
  const fields = parse(text);
  if (!Array.isArray(fields) || fields.length !== 5) return null;
  const [joinRef, ref, topic, event, payload] = fields;
  const isFrame = isRef(joinRef) && isRef(ref) && typeof topic === "string" && typeof event === "string";
  return isFrame && typeof payload === "object" && payload !== null ? {joinRef, ref, topic, event, payload} : null;
}

/** @param {unknown} text */
function parse(text) {
  try {
    return typeof text === "string" ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** @param {unknown} value */
function isRef(value) {
  return value === null || typeof value === "string";
}
