/**
 * The page's language: its strings and its way of writing numbers, times and lists.
 *
 * A string is written in English in the code; the server's joined scripts have the translation in its place. Where modules are
 * served as they are, `_` finds it in the catalog that the page names. `{name}` stands for a value.
 */

import {isolated} from "./bidi.js";

const root = document.documentElement;
export const language = root.lang || "en";

/** @type {Record<string, string | string[]>} */
const strings = root.dataset.catalog ? (await import(root.dataset.catalog)).default : {};
const plurals = new Intl.PluralRules(language);

/**
 * Translate a string.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function _(text, values = {}) {
  const found = strings[text];
  return fill(typeof found === "string" ? found : text, values);
}

/**
 * Translate a string that counts something; `{n}` stands for the count. Languages with two forms, as all of ours.
 * @param {string} one
 * @param {string} other
 * @param {number} n
 * @param {Record<string, string | number>} values
 */
export function ngettext(one, other, n, values = {}) {
  const found = strings[one];
  const forms = Array.isArray(found) ? found : [one, other];
  return fill(forms[plurals.select(n) === "one" ? 0 : 1], {n: number(n), ...values});
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => isolated(String(values[name] ?? whole)));
}

const numbers = new Intl.NumberFormat(language);

/** @param {number} n */
export function number(n) {
  return numbers.format(n);
}

const lists = new Intl.ListFormat(language, {type: "conjunction"});

/** @param {string[]} items */
export function list(items) {
  return lists.format(items.map(isolated));
}
