/** The dialog in which a teacher makes a new one-time code for a student, and reads it. */

import {actions, closeDialog, complain, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {page} from "../page.js";

/** @typedef {import("../page.js").User} User */

/** Ask first: the password ends. @param {User} user */
export function askNewCode(user) {
  const words = _("For a forgotten password. It ends at once, and every open page of {name} closes.", {name: user.name});
  showDialog(_("New code for {name}?", {name: user.name}), [h("p", {}, words), actions(_("New code"), () => void make(user))]);
}

/** @param {User} user */
async function make(user) {
  const token = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=_xsrf]"))?.value ?? "";
  try {
    const path = `${page.home}classes/${page.classroom.id}/people/${user.id}/code`;
    const answer = await fetch(path, {method: "POST", headers: {"X-Xsrftoken": token}});
    if (!answer.ok) return complain(answer.status === 422 ? _("This account is disabled, or not one of this class.") : _("It did not work. Try again."));
    show(await answer.json());
  } catch {
    complain(_("It did not work. Try again."));
  }
}

/** @param {{name: string, login: string, code: string}} made */
function show({name, login, code}) {
  showDialog(name, [
    h("dl", {class: "new-code"}, h("dt", {}, _("Login")), h("dd", {}, login), h("dt", {}, _("One-time code")), h("dd", {}, `${code.slice(0, 5)} ${code.slice(5)}`)),
    h("p", {}, _("It is shown only now. {name} enters it on the page “Choose your password”.", {name})),
    h("div", {class: "dialog-choices"}, h("button", {class: "button", type: "button", onclick: closeDialog}, _("Done"))),
  ]);
}
