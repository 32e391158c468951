/** What the browser reports about the network that the page is on. */

/**
 * Known to some browsers only, and of these some give it no type.
 * @typedef {EventTarget & {type?: string}} NetworkInformation
 * @returns {NetworkInformation | undefined}
 */
function information() {
  return /** @type {{connection?: NetworkInformation}} */ (navigator).connection;
}

/** Its type, such as wifi, cellular or ethernet; "unknown" where the browser does not tell. */
export function networkType() {
  return information()?.type ?? "unknown";
}

/**
 * Call when the page may be on another network than before.
 * @param {() => void} changed
 * @returns {() => void} ends it
 */
export function watchNetwork(changed) {
  let type = networkType();
  const compare = () => {
    if (type === networkType()) return; // it is told of each change of speed, too
    type = networkType();
    changed();
  };
  window.addEventListener("online", changed);
  information()?.addEventListener("change", compare);
  return () => {
    window.removeEventListener("online", changed);
    information()?.removeEventListener("change", compare);
  };
}
