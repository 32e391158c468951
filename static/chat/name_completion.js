/**
 * Completes the name of a member of the class after `@`: the list opens above the field while a name is typed, and the focus
 * stays in the field (ARIA: `aria-activedescendant`).
 *
 *     Down, Up: go through the list    Enter, Tab: take the name    Escape: close the list    a tap takes one
 */

import {avatar} from "../avatar.js";
import {h, setText} from "../dom.js";
import {finder} from "../folded_name.js";
import {_, ngettext} from "../language.js";
import {byId} from "../page.js";

/** What fits above the keyboard of a phone. */
const MOST = 5;
/** An `@` that begins a word, and what of a name is typed after it: two words at most. */
const BEGUN = /(?:^|[\s(])@([^\s@]{0,40}(?: [^\s@]{1,40})?)$/u;

/** @typedef {import("../page.js").User} User */

export class NameCompletion {
  #text;
  #members;
  #list = byId("names");
  #status = byId("names-status");
  /** @type {User[]} */
  #shown = [];
  #active = 0;
  /** Where the `@` stands that the list was closed for. @type {number | null} */
  #closedAt = null;

  /** @param {HTMLTextAreaElement} text @param {User[]} members */
  constructor(text, members) {
    this.#text = text;
    this.#members = members;
    text.setAttribute("aria-controls", "names");
    text.setAttribute("aria-autocomplete", "list");
    text.addEventListener("input", () => this.#look());
    text.addEventListener("click", () => this.#look());
    text.addEventListener("blur", () => this.#close());
    this.#list.addEventListener("pointerdown", (/** @type {Event} */ event) => event.preventDefault()); // the focus stays
    this.#list.addEventListener("click", (/** @type {MouseEvent} */ {target}) => {
      const row = /** @type {Element} */ (target).closest("[role=option]");
      if (row !== null) this.#take(this.#shown[[...this.#list.children].indexOf(row)]);
    });
    this.#look();
  }

  /** What is typed of a name, and where its `@` stands. @returns {{at: number, typed: string} | null} */
  get #begun() {
    const {selectionStart, selectionEnd, value} = this.#text;
    if (selectionStart !== selectionEnd) return null;
    const found = BEGUN.exec(value.slice(0, selectionStart));
    return found === null ? null : {at: selectionStart - found[1].length - 1, typed: found[1]};
  }

  #look() {
    const begun = this.#begun;
    if (begun === null) this.#closedAt = null;
    const isFound = begun === null || begun.at === this.#closedAt ? () => false : finder(begun.typed);
    this.#show(this.#members.filter(({name}) => isFound(name)).slice(0, MOST));
  }

  /** @param {User[]} users */
  #show(users) {
    this.#shown = users;
    this.#list.replaceChildren(...users.map((user, index) => h("li", {role: "option", id: `name-${index}`, "aria-selected": "false"}, avatar(user), h("bdi", {}, user.name))));
    this.#list.hidden = users.length === 0;
    setText(this.#status, users.length === 0 ? "" : ngettext("{n} name: Enter takes it", "{n} names: arrows and Enter take one", users.length));
    this.#activate(0);
  }

  #close() {
    this.#show([]);
  }

  /** @param {number} index */
  #activate(index) {
    this.#active = index;
    [...this.#list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === index)));
    if (this.#shown.length === 0) this.#text.removeAttribute("aria-activedescendant");
    else this.#text.setAttribute("aria-activedescendant", `name-${index}`);
  }

  /** Before the composer gets the key: Enter takes a name, and sends nothing. @param {KeyboardEvent} event */
  pressed(event) {
    if (this.#shown.length === 0 || event.isComposing || event.shiftKey) return;
    const count = this.#shown.length;
    if (event.key === "ArrowDown") this.#activate((this.#active + 1) % count);
    else if (event.key === "ArrowUp") this.#activate((this.#active + count - 1) % count);
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#shown[this.#active]);
    else if (event.key === "Escape") this.#leave();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #leave() {
    this.#closedAt = this.#begun?.at ?? null;
    this.#close();
  }

  /** @param {User} user */
  #take({name}) {
    const begun = this.#begun;
    if (begun === null) return this.#close();
    const end = this.#text.selectionStart;
    const space = this.#text.value.startsWith(" ", end) ? "" : " ";
    this.#text.setRangeText(`@${name}${space}`, begun.at, end, "end");
    this.#closedAt = begun.at;
    this.#text.dispatchEvent(new Event("input", {bubbles: true}));
    this.#close();
  }
}
