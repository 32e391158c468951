/** What belongs on one card: the words of one author that went to several topics at once. */

/** What one author says with the same words within this time was said once, to several. */
const TOGETHER_MS = 2 * 60_000;

/** @typedef {{author: {id: number}, at: number, text: string, title?: string}} Said */

/** @param {Said} one @param {Said} other */
export function isSame(one, other) {
  const isTogether = Math.abs(one.at - other.at) < TOGETHER_MS && one.author.id === other.author.id;
  return isTogether && one.text === other.text && one.title === other.title;
}
