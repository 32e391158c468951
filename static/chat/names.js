/** Names of members after `@` in the composer: their completion is loaded with the first `@` that is typed. */

import {later} from "../later.js";
import {page} from "../page.js";

const completion = later(() => import("./name_completion.js"));

/** Call before others listen to the field's keys: a key that chooses a name does nothing else. @param {HTMLTextAreaElement} text */
export function completeNames(text) {
  /** @type {import("./name_completion.js").NameCompletion | null} */
  let names = null;
  let isAsked = false;
  text.addEventListener("keydown", (event) => names?.pressed(event));
  text.addEventListener("input", () => {
    if (isAsked || !text.value.includes("@")) return;
    isAsked = true;
    void completion.need(({NameCompletion}) => (names = new NameCompletion(text, page.people.filter(({id}) => id !== page.me.id))));
  });
}
