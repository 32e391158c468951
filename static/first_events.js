/**
 * The newest events of the page's topic, which the page asks for beside its scripts: the conversation is there before the
 * socket is. They are no part of the page, so that a browser may keep the page, and nobody's words.
 */

import {socket} from "./connection.js";
import {page} from "./page.js";

/** Begin the channels with what their joins would be answered; what does not come now comes by the socket. */
export async function beginWithFirstEvents() {
  if (page.joins === undefined) return;
  try {
    // The same request as in the page's <link rel="preload">.
    const answer = await fetch(page.joins);
    if (!answer.ok || answer.redirected) return;
    for (const [topic, reply] of Object.entries(await answer.json())) socket.channel(topic).begin(reply);
  } catch {
    return;
  }
}
