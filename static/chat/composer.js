/**
 * Where a message is written. With a keyboard, Enter sends and Shift with Enter begins a new line; on a touch screen Enter
 * begins a new line and the button sends. A draft is kept. A text that is too long can go as several messages. Where
 * nothing can be sent, it is held: it says why, and the draft stays.
 */

import {lengthOf, MAX_CHARACTERS, showCounter} from "../counter.js";
import {h, icon, setText} from "../dom.js";
import {loadDraft, saveDraft} from "../draft.js";
import {growing} from "../grow.js";
import {_, number} from "../language.js";
import {later} from "../later.js";
import {byId} from "../page.js";
import {completeNames} from "./names.js";

const splitting = later(() => import("../text/split.js"));

/** More at once would be a document, not a chat: this fills 20 pages, and the class's screens. */
const MAX_PARTS = 10;
/** A draft of the longest text that can be sent, of two code units for each character. */
const MAX_DRAFT = 2 * MAX_PARTS * MAX_CHARACTERS;

/** A finger, and no keyboard but the one on the screen. */
const touch = matchMedia("(hover: none) and (pointer: coarse)");

/**
 * Why nothing can be sent. While one `mayWrite`, only sending waits, for so many seconds (`left`); at 0 it does not.
 * @typedef {{words: string, mayWrite: boolean, left: number}} Hold
 */

/**
 * @param {string} place names the draft
 * @param {{onSend: (text: string) => void, onTyping: () => void}} listeners
 */
export function startComposer(place, {onSend, onTyping}) {
  /** @type {HTMLTextAreaElement} */
  const text = byId("text");
  const form = byId("composer");
  const button = form.querySelector("button.send");
  const problem = byId("too-long");
  /** @type {Hold | null} */
  let held = null;

  completeNames(text); // gets each key first
  const fit = growing(text);
  const isHeld = () => held !== null && (!held.mayWrite || held.left > 0);

  function show() {
    fit();
    const fits = showCounter(byId("counter"), text.value);
    button.disabled = text.value.trim() === "" || isHeld();
    if (fits || button.disabled) problem.hidden = true;
  }

  /** @param {string[]} messages */
  function sendAll(messages) {
    for (const message of messages) onSend(message);
    text.value = "";
    saveDraft(place, "");
    show();
    text.focus();
  }

  function send() {
    if (button.disabled || text.disabled) return;
    const words = text.value.trim();
    problem.hidden = true;
    if (lengthOf(words) <= MAX_CHARACTERS) sendAll([words]);
    else void splitting.press(({split}) => offerParts(split(words, MAX_CHARACTERS)));
  }

  /** @param {string[]} parts */
  function offerParts(parts) {
    problem.replaceChildren(...tooLong(parts, sendAll));
    problem.hidden = false;
  }

  text.addEventListener("input", () => {
    saveDraft(place, text.value.slice(0, MAX_DRAFT));
    show();
    if (text.value.trim() !== "") onTyping();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    if (touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    send();
  });
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    send();
  });
  touch.addEventListener("change", () => sayWhatEnterDoes(text));
  sayWhatEnterDoes(text);
  text.value ||= loadDraft(place); // not over what was typed before this script was there
  show();
  /** @param {Hold | null} hold */
  function setHold(hold) {
    held = hold;
    setText(byId("held"), hold?.words ?? "");
    text.readOnly = hold !== null && !hold.mayWrite; // not disabled: who is in it stays there, and it can be read
    button.toggleAttribute("data-left", (hold?.left ?? 0) > 0);
    if (hold !== null && hold.left > 0) button.dataset.left = clock(hold.left);
    show();
  }

  // A touch screen's keyboard would cover half of the class before anybody wants to write.
  if (!touch.matches && document.activeElement === document.body) text.focus({preventScroll: true});
  return {hold: setHold};
}

/** Seconds, or minutes and seconds. @param {number} seconds */
function clock(seconds) {
  return seconds < 60 ? number(seconds) : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {HTMLTextAreaElement} text */
function sayWhatEnterDoes(text) {
  text.enterKeyHint = touch.matches ? "enter" : "send";
  const hint = touch.matches ? _("Enter begins a new line, the button sends") : _("Enter sends, Shift + Enter begins a new line");
  setText(byId("composer-hint"), hint);
}

/** Why it is not sent, and what to do. @param {string[]} parts @param {(parts: string[]) => void} sendAll */
function tooLong(parts, sendAll) {
  const isDocument = parts.length > MAX_PARTS;
  const why = isDocument ? _("This text is too long for the chat.") : _("One message has at most {max} characters.", {max: number(MAX_CHARACTERS)});
  const words = h("span", {}, icon("warning"), why);
  if (isDocument) return [words];
  const label = _("Send as {n} messages", {n: number(parts.length)});
  return [words, h("button", {class: "quiet-button", type: "button", onclick: () => sendAll(parts)}, label)];
}
