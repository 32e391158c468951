/**
 * Waiting before a sign-in where many wrong passwords were tried: the form asks first whether it has to wait, waits by
 * itself, and is sent as it was typed. Without this script the server answers with the time to wait.
 */

import {ngettext} from "./language.js";

const entry = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-patience]"));
const place = /** @type {HTMLElement | null} */ (document.querySelector(".patience"));

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Ask for how long to wait.
 * @param {HTMLFormElement} form
 * @returns {Promise<{seconds: number, ticket: string}>}
 */
async function ask(form) {
  const fields = new URLSearchParams();
  for (const name of ["_xsrf", "login", "ticket"]) fields.set(name, String(new FormData(form).get(name) ?? ""));
  if (form.elements.namedItem("code")) fields.set("code", "");
  const answer = await fetch(form.dataset.patience ?? "", {method: "POST", body: fields});
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

/**
 * Wait until the server accepts a password, or as long as it says.
 * @param {HTMLFormElement} form
 * @param {HTMLElement} note
 */
async function waitFor(form, note) {
  const {seconds, ticket} = await ask(form);
  /** @type {HTMLInputElement} */ (form.elements.namedItem("ticket")).value = ticket;
  const end = performance.now() + seconds * 1000;
  for (let left = seconds; left > 0; left = Math.ceil((end - performance.now()) / 1000)) {
    const text = ngettext(
      "Many wrong passwords were tried here. This page signs you in by itself in {n} second.",
      "Many wrong passwords were tried here. This page signs you in by itself in {n} seconds.",
      left,
    );
    // A screen reader announces the first text only; the countdown after it is silent.
    if (!note.hidden) note.setAttribute("aria-live", "off");
    note.hidden = false;
    note.textContent = text;
    await pause(Math.min(1000, end - performance.now()));
  }
}

if (entry && place) {
  let isWaiting = false;
  entry.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isWaiting) return;
    isWaiting = true;
    // Where the question fails, the form itself gets the answer.
    await waitFor(entry, place).catch(() => undefined);
    entry.submit();
  });
  // Coming back to the page, it is as it was before.
  window.addEventListener("pageshow", () => {
    isWaiting = false;
    place.hidden = true;
  });
}
