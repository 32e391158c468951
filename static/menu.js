/** The menu at the top closes as menus do: by Escape, and by a click elsewhere. */

/** Begin to do so. */
export function closeMenus() {
  document.addEventListener("click", ({target}) => close((menu) => !menu.contains(/** @type {Node} */ (target))));
  document.addEventListener("keydown", ({key}) => {
    if (key === "Escape") close(() => true, true);
  });
}

/** @param {(menu: HTMLDetailsElement) => boolean} which @param {boolean} isFocused back on what opened it */
function close(which, isFocused = false) {
  for (const menu of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.menu[open]"))) {
    if (!which(menu)) continue;
    menu.open = false;
    if (isFocused) menu.querySelector("summary")?.focus();
  }
}
