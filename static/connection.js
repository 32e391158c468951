/**
 * This page's one socket, with its state shown at the top, and the user's own channel.
 *
 * Being online is a quiet dot; over polls it is a ring, and the menu says why. A short break is not worth a word: only what
 * lasts is said. While an attempt is waited for, the sign has the seconds left and a button; a screen reader gets the word
 * for the state once, and neither the seconds nor each attempt.
 */

import {Socket} from "./client/socket.js";
import {Listeners} from "./client/listeners.js";
import {forgetUnsent} from "./client/unsent.js";
import {setText} from "./dom.js";
import {forgetDrafts} from "./draft.js";
import {leaveErased} from "./erased.js";
import {watchGoingBack} from "./going_back.js";
import {_} from "./language.js";
import {stayWhenOffline} from "./offline.js";
import {byId, page} from "./page.js";
import {seconds} from "./time.js";
import {USER} from "./topic.js";

/**
 * @typedef {import("./client/socket.js").SocketState} SocketState
 * @typedef {import("./client/transport.js").Kind} Kind
 */

/** A break that ends sooner is nobody's concern, and words that flash by disturb. */
const QUIET_MS = 1200;

export const socket = new Socket(page.socket, {user: String(page.me.id)});
/** The user's own channel: which topics are theirs, what they have read elsewhere, the end of the sign-in. */
export const mine = socket.channel(USER);

/** How often the seconds left are shown anew. */
const TICK_MS = 250;

const sign = byId("connection");
const retry = byId("connection-retry");
/** @type {number | undefined} */
let timer;
/** @type {number | undefined} shows the seconds left */
let ticks;
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

/** @param {SocketState} state */
function show(state) {
  const {status} = state;
  clearTimeout(timer);
  if (status === "signed_out") return isSigningOut ? undefined : signInAgain();
  const isNews = (status === "online" && !isShownOnline) || (sign.dataset.state !== "loading" && !sign.hidden && !isShownOnline);
  if (isNews) return say(state);
  timer = window.setTimeout(() => say(state), QUIET_MS);
}

/** @param {SocketState} state */
function say({status, retryAt, transport}) {
  const words = {
    connecting: _("Connecting…"),
    online: _("Online"),
    reconnecting: _("Reconnecting…"),
    offline: _("No network"),
  };
  sign.hidden = false;
  sign.dataset.state = status;
  setText(byId("connection-state"), words[/** @type {keyof typeof words} */ (status)] ?? status);
  sayRoute(transport);
  sayWait(status, retryAt);
  isShownOnline = status === "online";
  onShownOnline.emit(isShownOnline);
}

/** Say why it is not the usual one: in the title, where a mouse finds it, and in the menu. @param {Kind | null} transport */
function sayRoute(transport) {
  const isUsual = transport !== "longpoll";
  const route = isUsual ? "" : _("(alternate route)");
  const why = isUsual ? "" : _("This network blocks the direct connection. Everything works, a moment slower.");
  sign.dataset.transport = transport ?? "";
  sign.title = why;
  setText(byId("connection-route"), ` ${route}`); // the space separates it from the word before it for screen readers
  setText(byId("connection-note"), why);
  byId("connection-note").hidden = isUsual;
}

/**
 * Offer to try now, and count the seconds until it happens by itself. Without a network there is nothing to offer.
 * @param {string} status
 * @param {number | null} retryAt
 */
function sayWait(status, retryAt) {
  const mayTry = status === "connecting" || status === "reconnecting";
  if (!mayTry && document.activeElement === retry) byId("main").focus();
  retry.hidden = !mayTry;
  clearInterval(ticks);
  const showLeft = () => {
    const left = retryAt === null ? 0 : Math.ceil((retryAt - Date.now()) / 1000);
    setText(byId("connection-wait"), mayTry && left > 0 ? seconds(left) : "");
  };
  showLeft();
  if (mayTry && retryAt !== null) ticks = window.setInterval(showLeft, TICK_MS);
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

/** Connect, once the page has said what it listens to. */
export function connect() {
  socket.onState(show);
  socket.onChannel(leaveErased);
  retry.addEventListener("click", () => socket.tryNow());
  forgetOnSignOut();
  watchGoingBack();
  stayWhenOffline();
  mine.join();
  socket.connect();
}
