/**
 * Divides a text that is too long for one message into several: between paragraphs where that is possible, else between
 * lines, sentences, words, or characters as a reader sees them. Lengths are in code points, as the server counts.
 */

/** A part shorter than this share of a message is not worth the better place to divide. */
const LEAST_SHARE = 0.5;
/** The better place first. */
const BOUNDARIES = [/\n\s*\n/g, /\n/g, /[.!?…。！？]+["'”’»)\]]*\s/g, /\s/g];

/**
 * @param {string} text
 * @param {number} max the most code points of a part
 * @returns {string[]} in order, none of them blank
 */
export function split(text, max) {
  const parts = [];
  let rest = text.trim();
  for (let window = firstPoints(rest, max); window.length < rest.length; window = firstPoints(rest, max)) {
    const end = boundary(window, rest);
    parts.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return rest === "" ? parts : [...parts, rest];
}

/** The beginning of a text, of so many code points. @param {string} text @param {number} count */
function firstPoints(text, count) {
  let length = 0;
  let left = count;
  for (const point of text) {
    if (left === 0) break;
    left -= 1;
    length += point.length;
  }
  return text.slice(0, length);
}

/** Where the first part ends. @param {string} window the longest that it can be @param {string} rest */
function boundary(window, rest) {
  for (const pattern of BOUNDARIES) {
    const end = lastEnd(window, pattern);
    if (end >= window.length * LEAST_SHARE) return end;
  }
  return lastEnd(window, /\s/g) || lastCharacter(window, rest);
}

/** Where the last match ends; 0 when there is none. @param {string} window @param {RegExp} pattern */
function lastEnd(window, pattern) {
  let end = 0;
  for (const match of window.matchAll(pattern)) end = match.index + match[0].length;
  return end;
}

/** Not within an emoji of several code points, nor before an accent. @param {string} window @param {string} rest */
function lastCharacter(window, rest) {
  let start = 0;
  for (const {index} of characters(rest.slice(0, window.length + 2))) if (index <= window.length) start = index;
  return start || window.length; // one character longer than a message is no character of any language
}

const segmenter = typeof Intl.Segmenter === "function" ? new Intl.Segmenter(undefined, {granularity: "grapheme"}) : null;

/** @param {string} text @returns {Iterable<{index: number}>} */
function characters(text) {
  return segmenter === null ? codePoints(text) : segmenter.segment(text);
}

/** @param {string} text */
function* codePoints(text) {
  let index = 0;
  for (const point of text) {
    yield {index};
    index += point.length;
  }
}
