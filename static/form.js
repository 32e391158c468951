/** Forms with passwords: one can be looked at while it is typed, and waiting has a time of day. */

import {h, icon} from "./dom.js";
import {_} from "./language.js";
import {clockTime} from "./time.js";

/** Do so for all forms of this page. */
export function helpWithForms() {
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[type=password]"))) addEye(field);
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-retry-after]"))) {
    place.textContent = `(${clockTime(Date.now() + Number(place.dataset.retryAfter) * 1000)})`;
  }
}

/** Put a button into a field that shows what is typed. @param {HTMLInputElement} field */
function addEye(field) {
  const toggle = () => {
    const isShown = field.type === "text";
    field.type = isShown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!isShown));
  };
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
}
