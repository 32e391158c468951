/** The days of a class's transcript, and the links that download it. */

import {cancel, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";

export function openTranscript() {
  const [from, to] = [day("from", _("From")), day("to", _("Until"))];
  const links = [download("csv", "button", _("For a spreadsheet (CSV)"), from, to), download("json", "quiet-button", _("For a program (JSON)"), from, to)];
  showDialog(_("Transcript"), [
    h("p", {class: "muted"}, _("What was said in this class, or from one day to another. Each download is recorded.")),
    h("div", {class: "dialog-fields"}, label(from, _("From")), label(to, _("Until"))),
    h("div", {class: "dialog-choices"}, ...links, cancel()),
  ]);
}

/** @param {string} name @param {string} words */
function day(name, words) {
  return /** @type {HTMLInputElement} */ (h("input", {type: "date", name, "aria-label": words}));
}

/** @param {HTMLInputElement} field @param {string} words */
function label(field, words) {
  return h("label", {}, h("span", {}, words), field);
}

/** @param {string} kind @param {string} look @param {string} words @param {HTMLInputElement} from @param {HTMLInputElement} to */
function download(kind, look, words, from, to) {
  const link = /** @type {HTMLAnchorElement} */ (h("a", {class: look, download: true, href: "#"}, words));
  link.addEventListener("click", () => {
    // For a school that has named none.
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    const days = new URLSearchParams({from: from.value, to: to.value, zone});
    link.href = `${page.home}classes/${page.classroom.id}/transcript.${kind}?${days}`;
  });
  return link;
}
