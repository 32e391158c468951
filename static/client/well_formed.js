/**
 * Text as Unicode has it. Half of a surrogate pair, which is what remains where an emoji is cut in two, cannot be written in
 * UTF-8, so that no server can take it. It is replaced by U+FFFD, as browsers do where they write UTF-8.
 */

/** With the flag `u` a whole pair is one character, and no surrogate. */
const HALF = /\p{Surrogate}/gu;

/** @param {string} text */
export function wellFormed(text) {
  return text.replace(HALF, "\ufffd");
}

/**
 * Write a value as JSON, with all texts in it well formed.
 * @param {unknown} value
 */
export function wellFormedJson(value) {
  return JSON.stringify(value, (_key, part) => (typeof part === "string" ? wellFormed(part) : part));
}
