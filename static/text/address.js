/** Web addresses in what somebody wrote, also those without `https://`. */

/**
 * What a name must end with to be an address without `https://`. Those that are words at the beginning of a Portuguese or
 * English sentence ("fim.de semana", "foi.eu"), or ends of files ("lista.py"), are left out: a link that nobody meant is worse than one that is missing.
 */
const ENDS = new Set(
  ("com org net edu gov info app dev io tv xyz wiki " +
    "br pt ao mz cv tl gw uk us ca au fr ch nl mx cl uy bo ec jp cn").split(" "),
);
/** They end a sentence or close a bracket, or are marks of ours, and are rarely the end of an address. */
const TRAILING = new Set(".,;:!?'\"*_)]}»”’…");
/** Marks that turn the direction would let an address look like another (bidi.js). */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/;

/**
 * Return an address without what only follows it, and where it leads; null when it is none.
 * @param {string} found
 * @param {boolean} hasScheme
 * @returns {{text: string, href: string} | null}
 */
export function asAddress(found, hasScheme) {
  const text = trimmed(found.split(TURNS, 1)[0]);
  if (!hasScheme && !isHost(text.split(/[/?#:]/, 1)[0])) return null;
  const href = hasScheme ? text : `https://${text}`;
  return isUrl(href) ? {text, href} : null;
}

/** A name in small letters, as addresses are written: "Fim.Com" is two sentences without a space. @param {string} host */
function isHost(host) {
  const labels = host.split(".");
  const isName = labels.length > 1 && labels.every((label) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label));
  return isName && ENDS.has(labels[labels.length - 1]);
}

/** @param {string} href */
function isUrl(href) {
  try {
    return new URL(href).hostname !== "";
  } catch {
    return false;
  }
}

/** A bracket belongs to the address that opened it: https://…/Pi_(letra). @param {string} text */
function trimmed(text) {
  let excess = text.split(")").length - text.split("(").length;
  let end = text.length;
  for (; end > 0 && TRAILING.has(text[end - 1]); end -= 1) {
    if (text[end - 1] !== ")") continue;
    if (excess <= 0) break;
    excess -= 1;
  }
  return text.slice(0, end);
}
