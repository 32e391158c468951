/** Signing in: a password can be looked at while it is typed, and waiting has a time of day. */

import {h, icon} from "./dom.js";
import {_} from "./language.js";
import "./patience.js";
import {clockTime} from "./time.js";

for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[type=password]"))) {
  const button = h(
    "button",
    {class: "icon-button", type: "button", "aria-pressed": "false", "aria-label": _("Show the password"), onclick: toggle},
    icon("eye"),
  );
  const hadFocus = document.activeElement === field;
  const frame = h("span", {class: "password-field"});
  field.replaceWith(frame);
  frame.append(field, button);
  if (hadFocus) field.focus();

  function toggle() {
    const isShown = field.type === "text";
    field.type = isShown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!isShown));
  }
}

for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-retry-after]"))) {
  place.textContent = `(${clockTime(Date.now() + Number(place.dataset.retryAfter) * 1000)})`;
}
