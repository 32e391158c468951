/**
 * Without a network a click would end at the browser's error page, and what the page shows would be gone. It stays, and says
 * so. What the browser does not know of, such as a server that is away, the service worker answers (service_worker.js).
 */

import {h} from "./dom.js";
import {_, language} from "./language.js";

/** Long enough to be read twice. */
const SHOWN_MS = 8000;

const note = h("p", {class: "offline-note", role: "alert"});
/** @type {number | undefined} */
let timer;

/** Stay on the page while the browser has no network, and have a page kept for other failures. */
export function stayWhenOffline() {
  document.addEventListener("click", (event) => isWayOut(event) && stay(event));
  document.addEventListener("submit", stay, {capture: true});
  window.addEventListener("online", () => note.remove());
  if (document.readyState === "complete") void keepShell();
  else window.addEventListener("load", keepShell, {once: true});
}

/** @param {MouseEvent} event */
function isWayOut(event) {
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!isPlain || event.defaultPrevented || !(link instanceof HTMLAnchorElement) || link.target !== "") return false;
  return link.origin === location.origin && (link.pathname !== location.pathname || link.hash === "");
}

/** @param {Event} event */
function stay(event) {
  if (navigator.onLine) return;
  const isOwnForm = event.target instanceof HTMLFormElement && !event.target.hasAttribute("action");
  if (isOwnForm) return; // a script's, which keeps what it cannot send
  event.preventDefault();
  event.stopImmediatePropagation();
  clearTimeout(timer);
  timer = window.setTimeout(() => note.remove(), SHOWN_MS);
  note.textContent = _("No network: this page stays open. You can go on when the network is back.");
  document.body.append(note);
}

async function keepShell() {
  if (!isSecureContext || !("serviceWorker" in navigator)) return;
  try {
    localStorage.setItem("lousa:language", language);
    await navigator.serviceWorker.register("/service_worker.js");
    const {active} = await navigator.serviceWorker.ready;
    active?.postMessage("keep");
  } catch {
    return; // the browser forbids it, or the network has gone: then there is none, as on plain http
  }
}
