/**
 * What carries a connection's frames: a WebSocket, or long-polling.
 *
 * A transport opens when it is made, and then calls its owner: `opened()` at most once, `received(text)` for each frame,
 * `closed(code)` at most once and nothing after it. Once `close` was called it says nothing more, not even `closed`:
 * a browser can take long to give up a dead network, and nobody should wait for that.
 */

/**
 * `closed`: a WebSocket close code, and for how many milliseconds the server asks us to stay away, if it does.
 * @typedef {{
 *   opened: () => void,
 *   received: (text: string) => void,
 *   closed: (code: number, retryAfter?: number) => void,
 * }} TransportOwner
 *
 * `needsHeartbeat`: whether only heartbeats show that it carries. `wake`: this is a good moment to try again what failed.
 * @typedef {{
 *   needsHeartbeat: boolean,
 *   send: (text: string) => void,
 *   wake: () => void,
 *   close: () => void,
 * }} Transport
 *
 * `endpoint`: a path on this page's server, such as /students/socket.
 * @typedef {(endpoint: string, owner: TransportOwner) => Transport} OpenTransport
 *
 * @typedef {"websocket" | "longpoll"} Kind
 */

/** The code that we give to an end of which no close frame told us (RFC 6455 section 7.1.5). */
export const ABNORMAL = 1006;
/** The code that we give to a refusal: nobody is signed in, or not with this role. */
export const REFUSED = 1008;
/** The code that we give to a server that cannot take us now. */
export const TRY_AGAIN_LATER = 1013;
