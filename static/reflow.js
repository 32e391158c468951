/** Changes of what is shown already, which may make it higher: a page's own function makes them, and keeps the reader's place. */

/** @type {(change: () => void) => void} */
let make = (change) => change();

/** Have all of them made by a function. @param {(change: () => void) => void} maker */
export function reflowBy(maker) {
  make = maker;
}

/** Change something that is shown. @param {() => void} change */
export function reflow(change) {
  make(change);
}
