/** Where a message is written: Enter sends it, Shift and Enter begin a new line, and a draft is kept. */

import {MAX_CHARACTERS, showCounter} from "../counter.js";
import {loadDraft, saveDraft} from "../draft.js";
import {growing} from "../grow.js";
import {byId} from "../page.js";

/**
 * @param {string} place names the draft
 * @param {{onSend: (text: string) => void, onTyping: () => void}} listeners
 */
export function startComposer(place, {onSend, onTyping}) {
  /** @type {HTMLTextAreaElement} */
  const text = byId("text");
  const form = byId("composer");
  const button = form.querySelector("button");

  const fit = growing(text);

  function show() {
    fit();
    button.disabled = !showCounter(byId("counter"), text.value);
  }

  function send() {
    if (button.disabled || text.disabled) return;
    onSend(text.value.trim());
    text.value = "";
    saveDraft(place, "");
    show();
    text.focus();
  }

  text.addEventListener("input", () => {
    saveDraft(place, text.value.slice(0, 2 * MAX_CHARACTERS));
    show();
    if (text.value.trim() !== "") onTyping();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    send();
  });
  text.value ||= loadDraft(place); // not over what was typed before this script was there
  show();
}
