/**
 * The moments at which a page should look at its connection without waiting for a timer: the network came or went, the
 * user came back to the page, or the browser thawed it.
 */

/** What a window tells. The signal says nothing about the server: it is only a good moment to try. */
const WINDOW_SIGNALS = ["online", "offline", "focus", "pageshow"];
const DOCUMENT_SIGNALS = ["visibilitychange", "resume"];

/**
 * Call `wake` at each of those moments.
 * @param {() => void} wake
 * @returns {() => void} ends it
 */
export function watchWakeups(wake) {
  const whenVisible = () => {
    if (document.visibilityState === "visible") wake();
  };
  for (const name of WINDOW_SIGNALS) window.addEventListener(name, wake);
  for (const name of DOCUMENT_SIGNALS) document.addEventListener(name, whenVisible);
  return () => {
    for (const name of WINDOW_SIGNALS) window.removeEventListener(name, wake);
    for (const name of DOCUMENT_SIGNALS) document.removeEventListener(name, whenVisible);
  };
}

/** What a user does with a page: typing, clicking, touching. */
const USE_SIGNALS = ["keydown", "pointerdown"];

/**
 * Call `used` whenever somebody uses the page.
 * @param {() => void} used
 * @returns {() => void} ends it
 */
export function watchUse(used) {
  for (const name of USE_SIGNALS) window.addEventListener(name, used, {capture: true, passive: true});
  return () => {
    for (const name of USE_SIGNALS) window.removeEventListener(name, used, {capture: true});
  };
}

/**
 * Call when the page goes away, though it may come back (`pageshow`): a browser may keep it for the button "back".
 * @param {() => void} leave
 * @returns {() => void} ends it
 */
export function watchLeaving(leave) {
  window.addEventListener("pagehide", leave);
  return () => window.removeEventListener("pagehide", leave);
}
