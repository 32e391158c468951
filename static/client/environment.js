/**
 * What the client uses of the browser around it, in one place: tests pass their own, and every rule can be tested with a
 * clock that is turned by hand.
 */

import {BlockMemory} from "./block_memory.js";
import {pageClock} from "./clock.js";
import {newIdentifier} from "./identifier.js";
import {LongPollTransport} from "./longpoll_transport.js";
import {networkType, watchNetwork} from "./network.js";
import {sendRequest} from "./request.js";
import {mayBeSignedIn} from "./sign_in_status.js";
import {UnsentStore} from "./unsent.js";
import {watchLeaving, watchUse, watchWakeups} from "./wakeups.js";
import {WebSocketTransport} from "./websocket_transport.js";

/**
 * `store` keeps unsent pushes, `blockMemory` what became of WebSockets; `mayBeSignedIn` asks the server, and errs towards
 * true; `networkIsDown` is what the browser believes (it knows that there is no network, never that there is one).
 * @typedef {{
 *   transports: Record<import("./transport.js").Kind, import("./transport.js").OpenTransport>,
 *   clock: import("./clock.js").Clock,
 *   random: () => number,
 *   newIdentifier: () => string,
 *   store: UnsentStore,
 *   blockMemory: BlockMemory,
 *   mayBeSignedIn: () => Promise<boolean>,
 *   watchWakeups: (wake: () => void) => () => void,
 *   watchUse: (used: () => void) => () => void,
 *   watchNetwork: (changed: () => void) => () => void,
 *   watchLeaving: (leave: () => void) => () => void,
 *   networkIsDown: () => boolean,
 * }} Environment
 */

/**
 * Return the page's own.
 * @param {string | null} user without one, unsent pushes are not kept over a reload
 * @returns {Environment}
 */
export function pageEnvironment(user) {
  const parts = {sendRequest, clock: pageClock, random: Math.random};
  return {
    transports: {
      websocket: (endpoint, owner) => new WebSocketTransport(endpoint, owner),
      longpoll: (endpoint, owner) => new LongPollTransport(endpoint, owner, parts),
    },
    clock: pageClock,
    random: Math.random,
    newIdentifier: () => newIdentifier(),
    store: new UnsentStore(user === null ? null : allowed(() => sessionStorage), user ?? ""),
    blockMemory: new BlockMemory(allowed(() => localStorage), pageClock, networkType),
    mayBeSignedIn,
    watchWakeups,
    watchUse,
    watchNetwork,
    watchLeaving,
    networkIsDown: () => !navigator.onLine,
  };
}

/**
 * A browser that forbids storage throws when asked for it.
 * @param {() => Storage} storage
 */
function allowed(storage) {
  try {
    return storage();
  } catch {
    return null;
  }
}
