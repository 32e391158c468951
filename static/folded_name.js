/**
 * Compares names as people type them: without accents and capitals, marks and spaces, and with "6º", "6°", "6o" and "6"
 * alike. Who types "turma 12" means "Turma 12", and "6a mat" is enough for "6º A · Matemática".
 */

const ORDINALS = /[ºª°]/g;
const MARKS = /\p{M}/gu;
/** What is neither a letter nor a digit: the dot and the spaces in "6º A · Matemática". */
const BETWEEN = /[^\p{L}\p{N}]+/u;

/** The words of a text, folded. @param {string} text */
function words(text) {
  return text.normalize("NFKD").replace(MARKS, "").toLowerCase().split(BETWEEN).filter((word) => word !== "");
}

/** The two ways to type a name, each as words: its ordinals left out, and written as letters. @param {string} text */
function fold(text) {
  return [words(text.replace(ORDINALS, "")), words(text)];
}

/** Those of the names that are searched at each key: 4,000 classes cost 10 ms to fold. @type {Map<string, string[][]>} */
const folded = new Map();

/** @param {string} name */
function formsOf(name) {
  let found = folded.get(name);
  if (found === undefined) folded.set(name, (found = fold(name)));
  return found;
}

/** @param {string[]} form */
function joined(form) {
  return form.join("");
}

/** Make a test for names that are the same but for how they are typed. @param {string} typed @returns {(name: string) => boolean} */
export function namesake(typed) {
  const wanted = fold(typed).map(joined).filter((form) => form !== "");
  return (name) => formsOf(name).some((form) => wanted.includes(joined(form)));
}

/**
 * Make a test for names that contain what is typed, or words that begin with each of its words. Nothing typed is in
 * every name.
 * @param {string} typed
 * @returns {(name: string) => boolean}
 */
export function finder(typed) {
  const wanted = fold(typed);
  return (name) => {
    const forms = formsOf(name);
    const contains = wanted.some((form) => forms.some((each) => joined(each).includes(joined(form))));
    return contains || wanted.some((form) => forms.some((each) => haveAll(each, form)));
  };
}

/** @param {string[]} name @param {string[]} wanted */
function haveAll(name, wanted) {
  return wanted.every((beginning) => name.some((word) => word.startsWith(beginning)));
}
