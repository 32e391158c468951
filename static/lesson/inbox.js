/** One line under the class's head with what waits for the user alone. Each entry is a button that opens it. */

import {h, icon, setText} from "../dom.js";
import {strip} from "./strips.js";

const ORDER = 50;

/** @type {ReturnType<typeof strip> | null} */
let line = null;
/** A change is said once, when what it says has settled. */
const entries = h("div", {class: "inbox", role: "status"});

/**
 * An entry of the line, hidden at first.
 * @param {string} name that of its icon @param {() => void} open
 */
export function inboxEntry(name, open) {
  const words = h("span");
  const button = h("button", {class: `quiet-button inbox-${name}`, type: "button", hidden: true, onclick: open}, icon(name), words);
  entries.append(button);
  return {
    /** @param {string} text empty: nothing waits */
    show(text) {
      setText(words, text);
      if (button.hidden === (text === "")) return;
      button.hidden = text === "";
      showLine();
    },
  };
}

function showLine() {
  line ??= strip("inbox", ORDER);
  const isEmpty = [...entries.children].every((entry) => /** @type {HTMLElement} */ (entry).hidden);
  if (isEmpty) line.hide();
  else if (!entries.isConnected) line.show(entries);
}
