/** What a tab says of what is new while nobody looks at it: a number before its title, a dot on its icon, and on an installed app's. */

import {number} from "./language.js";

const title = document.title;
const icon = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel~=icon][data-new]"));
const usual = icon?.href ?? "";

/** @type {Map<string, number>} */
const counts = new Map();

/**
 * Show how many of one kind are new, together with those of the other kinds.
 * @param {"announcements" | "messages" | "mentions" | "hands" | "polls"} kind
 * @param {number} count
 */
export function showInTab(kind, count) {
  if ((counts.get(kind) ?? 0) === count) return;
  counts.set(kind, count);
  const sum = [...counts.values()].reduce((total, each) => total + each, 0);
  document.title = sum > 0 ? `(${number(sum)}) ${title}` : title;
  if (icon !== null) icon.href = sum > 0 ? icon.dataset.new ?? usual : usual;
  showOnApp(sum);
}

/** @param {number} sum */
function showOnApp(sum) {
  const app = /** @type {{setAppBadge?: (count: number) => Promise<void>}} */ (navigator);
  app.setAppBadge?.(sum).catch(() => {}); // not installed, or not allowed: then there is no icon to mark
}
