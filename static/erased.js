/**
 * A person was erased by law: what this page has of them goes at once. It loads anew, as it is without them; what somebody
 * is writing and what is on its way outlast that. An open dialog is left open until it is closed.
 */

export const ERASED = "person:erased";

/** @param {import("./client/channel.js").Channel} channel */
export function leaveErased(channel) {
  channel.on(ERASED, () => {
    const dialog = document.querySelector("dialog[open]");
    if (dialog === null) location.reload();
    else dialog.addEventListener("close", () => location.reload(), {once: true});
  });
}
