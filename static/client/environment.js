/**
 * What the client uses of the browser around it, in one place: tests pass their own, and every rule can be tested with a
 * clock that is turned by hand.
 */

import {pageClock} from "./clock.js";
import {newIdentifier} from "./identifier.js";
import {mayBeSignedIn} from "./sign_in_status.js";
import {UnsentStore} from "./unsent.js";
import {watchWakeups} from "./wakeups.js";
import {WebSocketTransport} from "./websocket_transport.js";

/**
 * `store` keeps unsent pushes; `mayBeSignedIn` asks the server, and errs towards true; `networkIsDown` is what the browser
 * believes (it knows that there is no network, never that there is one).
 * @typedef {{
 *   Transport: import("./websocket_transport.js").TransportClass,
 *   clock: import("./clock.js").Clock,
 *   random: () => number,
 *   newIdentifier: () => string,
 *   store: UnsentStore,
 *   mayBeSignedIn: () => Promise<boolean>,
 *   watchWakeups: (wake: () => void) => () => void,
 *   networkIsDown: () => boolean,
 * }} Environment
 */

/**
 * Return the page's own.
 * @param {string | null} user without one, unsent pushes are not kept over a reload
 * @returns {Environment}
 */
export function pageEnvironment(user) {
  return {
    Transport: WebSocketTransport,
    clock: pageClock,
    random: Math.random,
    newIdentifier: () => newIdentifier(),
    store: new UnsentStore(user === null ? null : tabStorage(), user ?? ""),
    mayBeSignedIn,
    watchWakeups,
    networkIsDown: () => !navigator.onLine,
  };
}

/** A browser that forbids storage throws when asked for it. */
function tabStorage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
