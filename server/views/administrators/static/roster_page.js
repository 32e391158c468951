/** The pages of the roster: an export is uploaded in pieces, and an import that is under way is asked how far it is. */

import {showAnnouncementBadge} from "../../static/announcement_badge.js";
import {connect} from "../../static/connection.js";
import {_} from "../../static/language.js";
import {closeMenus} from "../../static/menu.js";

const ROSTER = "/administrators/roster";
/** How often a page asks how far an import is. */
const ASK_MS = 1000;
/** How long to wait after a failure, and how often: a phone changes its network, a worker starts again. */
const RETRY_MS = 1500;
const RETRIES = 20;

showAnnouncementBadge();
closeMenus();
connect();

const uploadForm = /** @type {HTMLFormElement | null} */ (document.getElementById("upload"));
const moving = document.getElementById("moving");
if (uploadForm) acceptFiles(uploadForm);
if (moving) watch(moving);

/** @param {HTMLFormElement} form */
function acceptFiles(form) {
  const input = /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));
  /** @param {Error} error */
  const giveUp = (error) => {
    input.disabled = false;
    input.value = "";
    complain(form, error.message);
  };
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    if (files.length === 0) return;
    input.disabled = true;
    upload(form, files).catch(giveUp);
  });
}

/** @param {HTMLFormElement} form @param {string} words */
function complain(form, words) {
  show(form, null);
  const place = /** @type {HTMLElement} */ (form.querySelector(".form-problem"));
  place.hidden = false;
  place.textContent = words;
}

/** @param {HTMLFormElement} form @param {number | null} part of 1; null: nothing is under way */
function show(form, part) {
  const place = /** @type {HTMLElement} */ (form.querySelector(".upload-progress"));
  place.hidden = part === null;
  /** @type {HTMLProgressElement} */ (place.querySelector("progress")).value = part ?? 0;
  /** @type {HTMLElement} */ (form.querySelector(".form-problem")).hidden = true;
}

/** @param {HTMLFormElement} form @param {File[]} files */
async function upload(form, files) {
  const ask = asker(form);
  const size = Number(form.dataset.pieceBytes);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const name = files.length === 1 ? files[0].name : _("%d files").replace("%d", String(files.length));
  show(form, 0);
  const {id} = await (await ask(`${ROSTER}/uploads`, "POST", new URLSearchParams({name}))).json();
  let done = 0;
  for (const file of files) {
    const address = `${ROSTER}/${id}/files/${fileName(file)}`;
    for (let offset = 0; offset < file.size; offset += size) {
      const piece = file.slice(offset, offset + size);
      await ask(`${address}?offset=${offset}`, "PUT", piece);
      done += piece.size;
      show(form, done / total);
    }
  }
  await ask(`${ROSTER}/${id}/check`, "POST", new URLSearchParams());
  location.assign(`${ROSTER}/${id}`);
}

/** A zip may have any name. @param {File} file */
function fileName(file) {
  return /\.zip$/i.test(file.name) ? "export.zip" : file.name.replace(/[^A-Za-z.]/g, "").slice(-40);
}

/** @param {HTMLFormElement} form */
function asker(form) {
  const token = /** @type {HTMLInputElement} */ (form.elements.namedItem("_xsrf")).value;
  /** @param {string} address @param {string} method @param {BodyInit} body */
  return async (address, method, body) => {
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(address, {method, body, headers: {"X-Xsrftoken": token}}).catch(() => null);
      if (answer?.ok) return answer;
      const isPassing = answer === null || answer.status === 429 || answer.status >= 500;
      if (!isPassing || attempt === RETRIES) throw new Error(await failure(answer));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  };
}

/** @param {Response | null} answer */
async function failure(answer) {
  if (answer === null) return _("There is no connection to the server. Try again.");
  const {reason} = await answer.json().catch(() => ({reason: ""}));
  if (reason === "not-a-file") return _("Choose the zip of the export, or all its CSV files.");
  if (reason === "too-large") return _("This export is too large.");
  return _("The upload was interrupted. Try again.");
}

/** Show how far an import is, and the page anew when it has moved on. @param {HTMLElement} place */
function watch(place) {
  const bar = /** @type {HTMLProgressElement} */ (place.querySelector("progress"));
  const ask = async () => {
    const answer = await fetch(`${location.pathname}/state`).catch(() => null);
    if (answer?.ok) {
      const {state, done, total} = await answer.json();
      if (state !== place.dataset.state) return location.reload();
      if (total > 0) Object.assign(bar, {max: total, value: done});
    }
    setTimeout(ask, ASK_MS);
  };
  setTimeout(ask, ASK_MS);
}
