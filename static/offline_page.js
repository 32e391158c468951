/**
 * The page in place of one that cannot be reached: opens that one, whose address it has, as soon as the server answers.
 * It imports nothing: the service worker keeps it with its files.
 */

const LOOK_EVERY_MS = 5000;
/** Longer than an answer takes on the poorest line that can load the page. */
const ANSWER_MS = 10_000;

/** Where the service worker leads to from a form that could not be sent: there is nothing to open again. */
const OWN_PATH = "/offline";

function storedLanguage() {
  try {
    return localStorage.getItem("lousa:language");
  } catch {
    return null; // storage is forbidden
  }
}

/** Show the words in the reader's language only. */
function showLanguage() {
  const sections = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("section[lang]")]);
  const wanted = [storedLanguage() ?? "", ...navigator.languages].map((tag) => tag.split("-")[0]);
  const ranks = sections.map(({lang}) => (wanted.indexOf(lang.split("-")[0]) + wanted.length + 1) % (wanted.length + 1));
  const shown = sections[ranks.indexOf(Math.min(...ranks))];
  for (const section of sections) section.hidden = section !== shown;
  document.documentElement.lang = shown.lang;
  document.title = `${shown.querySelector("h1")?.textContent} · Lousa`;
}

function openWanted() {
  if (location.pathname === OWN_PATH) location.replace("/");
  else location.reload();
}

async function look() {
  try {
    const answer = await fetch("/healthz", {cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS)});
    if (answer.ok) openWanted();
  } catch {
    return; // the next look
  }
}

showLanguage();
for (const button of document.querySelectorAll("[data-retry]")) button.addEventListener("click", openWanted);
for (const button of document.querySelectorAll("[data-back]")) button.addEventListener("click", () => history.back());
window.addEventListener("online", openWanted);
setInterval(look, LOOK_EVERY_MS);
