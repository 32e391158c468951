/**
 * A text field with a list of what can be chosen, in the pattern of ARIA 1.2: the focus stays in the field, and the list
 * says by `aria-activedescendant` which option the arrows are on. Names are found as people type them (folded_name.js).
 *
 *     Down, Up: open the list, go through it    Enter: take the option    Escape: close the list; then empty the field
 */

import {h, setText} from "./dom.js";
import {finder, namesake} from "./folded_name.js";
import {_, ngettext} from "./language.js";

/** Rows at once: more than anybody reads, and light also among thousands. */
const MOST = 50;

/** @typedef {{value: number, label: string}} Option */

let numbers = 0;

export class Combobox {
  #input;
  #options;
  #list;
  #status = h("span", {class: "visually-hidden", role: "status"});
  #id = `options-${++numbers}`;
  /** @type {Option[]} */
  #shown = [];
  #active = -1;

  /** @param {HTMLInputElement} input @param {Option[]} options */
  constructor(input, options) {
    this.#input = input;
    this.#options = options;
    this.#list = h("ul", {role: "listbox", id: this.#id, class: "options", hidden: true, "aria-label": input.labels?.[0]?.textContent ?? ""});
    input.after(this.#list, this.#status);
    for (const [name, value] of Object.entries({role: "combobox", "aria-autocomplete": "list", "aria-controls": this.#id, "aria-expanded": "false"})) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", () => this.#open());
    input.addEventListener("click", () => this.#open());
    input.addEventListener("keydown", (event) => this.#pressed(event));
    input.addEventListener("blur", () => this.#left());
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the field
    this.#list.addEventListener("click", ({target}) => this.#clicked(/** @type {Element} */ (target)));
  }

  /** What the field names: an option, as it stands or as people type it, if no other is meant. @returns {Option | undefined} */
  get chosen() {
    const typed = this.#input.value.trim();
    const exact = this.#options.find(({label}) => label === typed);
    const isMeant = namesake(typed);
    const alike = exact === undefined ? this.#options.filter(({label}) => isMeant(label)) : [exact];
    return alike.length === 1 ? alike[0] : undefined;
  }

  get #isOpen() {
    return !this.#list.hidden;
  }

  #open() {
    const isFound = finder(this.#input.value);
    const found = this.#options.filter(({label}) => isFound(label));
    this.#shown = found.slice(0, MOST);
    const rows = this.#shown.map(({label}, index) => h("li", {role: "option", id: `${this.#id}-${index}`, dir: "auto", "aria-selected": "false"}, label));
    const more = found.length - rows.length;
    if (more > 0) rows.push(h("li", {class: "options-more", role: "presentation"}, ngettext("and {n} more: keep typing", "and {n} more: keep typing", more)));
    this.#list.replaceChildren(...rows);
    this.#list.hidden = found.length === 0;
    this.#input.setAttribute("aria-expanded", String(this.#isOpen));
    setText(this.#status, found.length === 0 ? _("No class of this name.") : ngettext("{n} class found", "{n} classes found", found.length));
    this.#activate(-1);
  }

  #close() {
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
    setText(this.#status, "");
    this.#activate(-1);
  }

  /** @param {number} index */
  #activate(index) {
    this.#list.children[this.#active]?.setAttribute("aria-selected", "false");
    this.#active = index;
    const row = this.#list.children[index];
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({block: "nearest"});
    if (row === undefined) this.#input.removeAttribute("aria-activedescendant");
    else this.#input.setAttribute("aria-activedescendant", row.id);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing) return;
    const isTaken = this.#handle(event.key);
    if (isTaken) event.preventDefault();
    if (isTaken && event.key === "Escape") event.stopPropagation();
  }

  /** @param {string} key @returns {boolean} whether the key was for the list */
  #handle(key) {
    if (key === "ArrowDown" || key === "ArrowUp") this.#step(key === "ArrowDown" ? 1 : -1);
    else if (key === "Enter" && this.#isOpen && this.#active >= 0) this.#take(this.#shown[this.#active]);
    else if (key === "Escape" && this.#isOpen) this.#close();
    else if (key === "Escape" && this.#input.value !== "") this.#write("");
    else return false;
    return true;
  }

  /** @param {1 | -1} by */
  #step(by) {
    if (!this.#isOpen) this.#open();
    const count = this.#shown.length;
    if (count > 0) this.#activate(this.#active < 0 && by < 0 ? count - 1 : (this.#active + by + count) % count);
  }

  /** @param {Element} target */
  #clicked(target) {
    const row = target.closest("[role=option]");
    if (row !== null) this.#take(this.#shown[[...this.#list.children].indexOf(row)]);
  }

  /** @param {Option} option */
  #take({label}) {
    this.#write(label);
  }

  /** Write into the field, as if it had been typed. @param {string} text */
  #write(text) {
    this.#input.value = text;
    this.#input.dispatchEvent(new Event("input", {bubbles: true}));
    this.#close();
  }

  /** What was typed in another way is shown as it is called. */
  #left() {
    const {chosen} = this;
    if (chosen !== undefined && this.#input.value !== chosen.label) this.#write(chosen.label);
    else this.#close();
  }
}
