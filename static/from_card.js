/**
 * The first sign-in from a card: its QR code has login and code in the fragment of the address, which no server gets. They
 * are taken out of the address at once, so that nobody finds them there, or in the list of visited pages under its title.
 */

/** Fill in what the address has, and go on to the password. */
export function fillFromCard() {
  const given = new URLSearchParams(location.hash.slice(1));
  const {elements} = /** @type {HTMLFormElement} */ (document.querySelector("form.form"));
  const fields = ["login", "code"].map((name) => /** @type {HTMLInputElement | null} */ (elements.namedItem(name)));
  if (fields.includes(null) || !given.has("login") || !given.has("code")) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  for (const field of fields) if (field !== null) field.value = given.get(field.name) ?? "";
  /** @type {HTMLInputElement} */ (elements.namedItem("password")).focus();
}
