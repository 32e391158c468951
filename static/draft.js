/** What somebody has begun to write, kept in this tab over a reload or a look at another page, until it is sent. */

import {wellFormed} from "./client/well_formed.js";
import {page} from "./page.js";

const PREFIX = "lousa:draft:";

/** @param {string} place */
function key(place) {
  return `${PREFIX}${page.me.id}:${place}`;
}

/** @param {string} place where it is written, such as `class:7` */
export function loadDraft(place) {
  try {
    return wellFormed(sessionStorage.getItem(key(place)) ?? "");
  } catch {
    return ""; // a browser that forbids storage throws
  }
}

/** @param {string} place @param {string} text */
export function saveDraft(place, text) {
  try {
    if (text === "") sessionStorage.removeItem(key(place));
    else sessionStorage.setItem(key(place), wellFormed(text));
  } catch {
    return;
  }
}

/** Forget the drafts of everybody who used this tab. */
export function forgetDrafts() {
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
  } catch {
    return;
  }
}
