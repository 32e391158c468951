/**
 * The page that a badge opens: its secret is in the fragment of the address, which no server gets. It is taken out of the
 * address at once, and sent as a form. Where somebody is signed in already, a button sends it.
 */

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("#badge-form"));

function take() {
  const secret = location.hash.slice(1);
  if (form === null || secret === "") return;
  history.replaceState(history.state, "", location.pathname);
  /** @type {HTMLInputElement} */ (form.elements.namedItem("badge")).value = secret;
  for (const [id, isHidden] of /** @type {[string, boolean][]} */ ([["badge-none", true], ["badge-there", false]])) {
    /** @type {HTMLElement} */ (document.getElementById(id)).hidden = isHidden;
  }
  if ("atOnce" in form.dataset) form.requestSubmit();
}

take();
window.addEventListener("hashchange", take); // another badge, where the page is open
