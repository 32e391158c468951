/** A table of classes: the first of them, and more on request. A school may have thousands, and nobody reads them all. */

import {h} from "../../static/dom.js";
import {ngettext} from "../../static/language.js";
import {ClassRow} from "./class_row.js";

/** @typedef {import("./school.js").ClassNow} ClassNow */

/** Rows at once: four screens of a phone. */
const STEP = 40;

export class ClassTable {
  #place;
  #rows;
  #more;
  #limit = STEP;
  /** @type {Map<number, ClassRow>} */
  #shown = new Map();
  /** @type {ClassNow[]} */
  #all = [];
  #pace;

  /**
   * @param {HTMLElement} place a table, which has a body
   * @param {(now: ClassNow) => number} pace
   * @param {() => void} onMore more rows were asked for
   */
  constructor(place, pace, onMore) {
    this.#place = place;
    this.#pace = pace;
    this.#rows = /** @type {HTMLElement} */ (place.querySelector("tbody"));
    this.#more = h("button", {class: "quiet-button more-rows", type: "button", hidden: true});
    this.#more.addEventListener("click", () => this.#showMore(onMore));
    place.after(this.#more);
  }

  /** @param {() => void} onMore */
  #showMore(onMore) {
    const next = this.#limit;
    this.#limit += STEP;
    onMore();
    // A button that is gone would take the focus along.
    if (this.#more.hidden) /** @type {HTMLElement | null} */ (this.#rows.children[next]?.querySelector("a"))?.focus();
  }

  /** Whether an order taken anew would move a row under the pointer or with the focus. */
  get isInUse() {
    return this.#rows.matches(":hover, :focus-within");
  }

  /** Whether these are the classes that it has, in any order. @param {ClassNow[]} classes */
  has(classes) {
    const ids = new Set(this.#all.map(({id}) => id));
    return ids.size === classes.length && classes.every(({id}) => ids.has(id));
  }

  /** Show the first of these classes, in this order. @param {ClassNow[]} classes */
  show(classes) {
    this.#all = classes;
    const first = classes.slice(0, this.#limit);
    const before = this.#shown;
    this.#shown = new Map(first.map(({id}) => [id, before.get(id) ?? new ClassRow(id)]));
    for (const now of first) this.#shown.get(now.id)?.show(now, this.#pace(now));
    this.#place.hidden = classes.length === 0;
    this.#more.hidden = first.length === classes.length;
    this.#more.textContent = ngettext("Show {n} more", "Show {n} more", Math.min(STEP, classes.length - first.length));
    arrange(this.#rows, [...this.#shown.values()].map(({element}) => element));
  }

  /** Bring the rows up to date, where they stand. @param {Map<number, ClassNow>} classes */
  update(classes) {
    for (const [id, row] of this.#shown) {
      const now = classes.get(id);
      if (now !== undefined) row.show(now, this.#pace(now));
    }
  }
}

/** Make these the children, and move only those that stand elsewhere; the focus stays. @param {HTMLElement} place @param {HTMLElement[]} elements */
function arrange(place, elements) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const wanted = new Set(elements);
  for (const child of [...place.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  elements.forEach((element, index) => {
    if (place.children[index] !== element) place.insertBefore(element, place.children[index] ?? null);
  });
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({preventScroll: true});
}
