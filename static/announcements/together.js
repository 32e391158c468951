/** What belongs on one card: the words of one author that went to several topics at once. */

/** What one author says with the same words within this time was said once, to several. */
const TOGETHER_MS = 2 * 60_000;

/** `key`: the same in all topics that it went to; those of former releases have none. @typedef {{author: {id: number}, at: number, text: string, title?: string, key?: string}} Said */

/** @param {Said} one @param {Said} other */
export function isSame(one, other) {
  if (one.key !== undefined || other.key !== undefined) return one.key === other.key;
  const isTogether = Math.abs(one.at - other.at) < TOGETHER_MS && one.author.id === other.author.id;
  return isTogether && one.text === other.text && one.title === other.title;
}

/** Whether an announcement is no longer of interest: withdrawn, or past its time. @param {any} announcement */
export function isOver({withdrawn, expires_at: expiresAt}, now = Date.now()) {
  return withdrawn !== undefined || (expiresAt !== undefined && expiresAt <= now);
}

/**
 * Whether an announcement to several topics counts in another one of the user's: it is new to them once.
 * @param {string} topic @param {{to?: string[]}} announcement @param {string[]} own the user's topics
 */
export function isCopy(topic, {to}, own) {
  const first = to?.find((each) => own.includes(each));
  return first !== undefined && first !== topic;
}
