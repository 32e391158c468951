/**
 * This page's one socket, with its state shown at the top, and the user's own channel.
 *
 * Being online is a quiet dot. A short break is not worth a word: only what lasts is said.
 */

import {Socket} from "./client/socket.js";
import {Listeners} from "./client/listeners.js";
import {forgetUnsent} from "./client/unsent.js";
import {setText} from "./dom.js";
import {forgetDrafts} from "./draft.js";
import {_} from "./language.js";
import {byId, page} from "./page.js";

/** A break that ends sooner is nobody's concern, and words that flash by disturb. */
const QUIET_MS = 1200;

export const socket = new Socket(page.socket, {user: String(page.me.id)});
/** The user's own channel: which topics are theirs, what they have read elsewhere, the end of the sign-in. */
export const mine = socket.channel("user:me");

const sign = byId("connection");
/** @type {number | undefined} */
let timer;
let isShownOnline = false;
let isSigningOut = false;
/** @type {Listeners<[boolean]>} */
const onShownOnline = new Listeners();

/**
 * Call with whether the page says that it is online: now, and after each change. What else the page says of its
 * connection must not contradict that.
 * @param {(isOnline: boolean) => void} listener
 */
export function onOnline(listener) {
  onShownOnline.add(listener);
  listener(isShownOnline);
}

/** @param {import("./client/socket.js").SocketState} state */
function show({status}) {
  clearTimeout(timer);
  if (status === "signed_out") return isSigningOut ? undefined : signInAgain();
  if (status === "online" || sign.dataset.state === "offline") return say(status);
  timer = window.setTimeout(() => say(status), QUIET_MS);
}

/** @param {string} status */
function say(status) {
  const words = {
    connecting: _("Connecting…"),
    online: _("Online"),
    reconnecting: _("Reconnecting…"),
    offline: _("No network"),
  };
  sign.hidden = false;
  sign.dataset.state = status;
  setText(sign, words[/** @type {keyof typeof words} */ (status)] ?? status);
  isShownOnline = status === "online";
  onShownOnline.emit(isShownOnline);
}

/** Nobody asked for it in this tab: the page there says what happened. */
function signInAgain() {
  forgetDrafts();
  const here = location.pathname + location.search;
  location.assign(`/accounts/sign-in?ended=1&next=${encodeURIComponent(here)}`);
}

/** Computers at school are shared: what is left in this tab must not be there for the next user. */
function forgetOnSignOut() {
  document.querySelector("form[data-sign-out]")?.addEventListener("submit", () => {
    isSigningOut = true; // the server's word of it may come before its page
    forgetDrafts();
    try {
      forgetUnsent(sessionStorage);
    } catch {
      return; // storage is forbidden: nothing was kept
    }
  });
}

/** Connect, once the page has said what it wants to hear. */
export function connect() {
  socket.onState(show);
  forgetOnSignOut();
  mine.join();
  socket.connect();
}
