/**
 * Modules that a page loads later: when somebody first presses what they are for, or what they show first comes. So the page
 * opens with the others alone. What nobody has asked for by then is loaded one by one while the page has nothing to do, so
 * that a press seldom waits, and works without a network, too.
 */

import {closeDialog, showDialog} from "./dialog.js";
import {h} from "./dom.js";
import {_} from "./language.js";

/** After the page is online: its own first requests are done by then, and an eager reader's first press. */
const AHEAD_MS = 3000;
/** What must be shown and could not be loaded is asked for again. */
const AGAIN_MS = 4000;

/** @type {(() => Promise<unknown>)[]} what may be loaded ahead */
const loads = [];
let isAhead = false;

/**
 * Name a module; `load` imports it.
 * @template T
 * @param {() => Promise<T>} load
 */
export function later(load) {
  loads.push(load);
  return {
    /** Somebody has pressed: use the module, or say that it did not come. The next press asks again. @param {(module: T) => void} use */
    async press(use) {
      const module = await load().catch(() => null);
      if (module === null) sayMissing();
      else use(module);
    },
    /** Something must be shown: use the module as soon as it can be had. @param {(module: T) => void} use */
    async need(use) {
      const module = await load().catch(() => null);
      if (module === null) setTimeout(() => void this.need(use), AGAIN_MS);
      else use(module);
    },
  };
}

function sayMissing() {
  showDialog(_("It did not work"), [
    h("p", {}, _("This part of the page could not be loaded. Try again when the connection is back.")),
    h("button", {class: "quiet-button", type: "button", onclick: closeDialog}, _("Close")),
  ]);
}

/** The page is online: load the others, unless its user pays for each byte. */
export function loadAhead() {
  const {saveData = false} = /** @type {{connection?: {saveData?: boolean}}} */ (navigator).connection ?? {};
  if (isAhead || saveData) return;
  isAhead = true;
  setTimeout(() => void loadEach(), AHEAD_MS);
}

async function loadEach() {
  for (const load of loads) {
    await idle();
    await load().catch(() => {}); // a press asks again
  }
}

function idle() {
  return new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done));
}
