/**
 * Whether the server still knows us. A browser does not tell a page why a connection was refused, so a refusal for being
 * signed out looks like a dead network; this asks by an ordinary request.
 */

export const STATUS_PATH = "/accounts/status";
/** Longer than any healthy answer; meanwhile the attempts go on. */
const ANSWER_MS = 10_000;

/**
 * Return false when the server says that nobody is signed in; true when somebody is, or when it cannot be told.
 * @returns {Promise<boolean>}
 */
export async function mayBeSignedIn() {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await fetch(STATUS_PATH, {cache: "no-store", headers: {accept: "application/json"}, signal});
    return !answer.ok || (await answer.json()).signed_in !== false;
  } catch {
    return true;
  }
}
