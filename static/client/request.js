/**
 * One HTTP request to this page's server that is answered with a JSON object.
 *
 * In callbacks, as all of the client: what happens is then done when the call returns, and tests turn it by hand.
 */

import {pageClock} from "./clock.js";

/**
 * `keepalive`: it is sent even if the page goes away meanwhile.
 * @typedef {{
 *   method: "GET" | "POST" | "DELETE",
 *   path: string,
 *   headers?: Record<string, string>,
 *   body?: string,
 *   keepalive?: boolean,
 * }} Request
 *
 * `answered` is called once, later: with the object, or with null when none came, in time or at all (a proxy's page, say,
 * or a dead network). The function returned takes the request back; then it is not called.
 * @typedef {(request: Request, timeoutMs: number, answered: (answer: Payload | null) => void) => () => void} SendRequest
 *
 * @typedef {import("./frame.js").Payload} Payload
 */

/** @type {SendRequest} */
export function sendRequest({path, ...options}, timeoutMs, answered) {
  const controller = new AbortController();
  let isOver = false;
  const end = () => {
    isOver = true;
    callOff();
    controller.abort();
  };
  const finish = (/** @type {Payload | null} */ answer) => {
    if (isOver) return;
    end();
    answered(answer);
  };
  const callOff = pageClock.after(timeoutMs, () => finish(null));
  // A redirection leads away from our server: to a sign-in page of the network.
  read(path, {...options, cache: "no-store", redirect: "error", signal: controller.signal}).then(finish);
  return end;
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<Payload | null>}
 */
async function read(path, options) {
  try {
    const answer = await (await fetch(path, options)).json();
    return typeof answer === "object" ? answer : null;
  } catch {
    return null;
  }
}

/**
 * How many milliseconds an answer asks us to wait before the next request.
 * @param {Payload | null} answer
 */
export function delayOf(answer) {
  return Number.isFinite(answer?.retry_after) ? Math.max(0, answer?.retry_after) : 0;
}
