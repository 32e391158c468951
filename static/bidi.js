/**
 * Names and texts that run from right to left, or that carry marks which turn the direction (Unicode annex 9): they must
 * not turn around what stands beside them. In an element of its own a text is isolated by `dir="auto"` or <bdi>; within
 * a sentence, here.
 */

const MARKS = /[\u202a-\u202e\u2066-\u2069]/g;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";

/** Without the marks that turn the direction. @param {string} text */
export function unmarked(text) {
  return text.replace(MARKS, "");
}

/** To stand within a sentence; what runs from left to right stays as it is. @param {string} text */
export function isolated(text) {
  const plain = unmarked(text);
  return RIGHT_TO_LEFT.test(plain) ? FIRST_STRONG_ISOLATE + plain + POP_ISOLATE : plain;
}
