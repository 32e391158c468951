/** One line under the class's head with what waits for the user alone. Each entry is a button that opens it. */

import {h, icon, setText} from "../dom.js";
import {strip} from "./strips.js";

const ORDER = 50;
/** A whole class may write at once: its numbers are said when they have settled. */
const SETTLE_MS = 1500;

/** @type {ReturnType<typeof strip> | null} */
let line = null;
const entries = h("div", {class: "inbox", role: "status"});

/**
 * An entry of the line, hidden at first.
 * @param {string} name that of its icon @param {() => void} open
 */
export function inboxEntry(name, open) {
  const words = h("span");
  const button = h("button", {class: `quiet-button inbox-${name}`, type: "button", hidden: true, onclick: open}, icon(name), words);
  entries.append(button);
  let wanted = "";
  let timer = 0;
  const showNow = () => {
    clearTimeout(timer);
    timer = 0;
    setText(words, wanted);
    button.hidden = wanted === "";
    showLine();
  };
  return {
    /** @param {string} text empty: nothing waits */
    show(text) {
      wanted = text;
      if (text === "" || button.hidden) showNow();
      else if (timer === 0) timer = window.setTimeout(showNow, SETTLE_MS);
    },
  };
}

function showLine() {
  line ??= strip("inbox", ORDER);
  const isEmpty = [...entries.children].every((entry) => /** @type {HTMLElement} */ (entry).hidden);
  if (isEmpty) line.hide();
  else if (!entries.isConnected) line.show(entries);
}
