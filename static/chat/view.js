/** Where the reader is in a conversation: at its end, which is held through every change, or somewhere above. */

/** This near to the end counts as the end: a line of text, half seen. */
const NEAR_PX = 80;
/** Above the line of the unread, some of what was read stays on the screen. */
const CONTEXT_PX = 90;
/** One line of text in a block of one author, in the smallest size of text. */
const SHORTEST_ROW_PX = 42;

export class View {
  /** Whether the reader sees the end of the rows. */
  isAtEnd = true;
  #scroller;
  #height = 0;

  /** @param {HTMLElement} scroller */
  constructor(scroller) {
    this.#scroller = scroller;
    this.onScroll(() => this.#scrolled());
    new ResizeObserver(() => this.#resized()).observe(scroller);
  }

  /** How many rows there can be on the screen and within so many px. Nothing is measured for it. @param {number} px */
  rowsWithin(px) {
    return Math.ceil((this.#height + px) / SHORTEST_ROW_PX);
  }

  /** @param {() => void} listener */
  onScroll(listener) {
    this.#scroller.addEventListener("scroll", listener, {passive: true});
  }

  /** Go to the end. It lays the page out: once per frame, after all changes. */
  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.isAtEnd = true;
  }

  /** Go to a line between rows, with some of what is above it, or to the end where that is nearer. @param {HTMLElement} line */
  toLine(line) {
    const scroller = this.#scroller;
    scroller.scrollTop += line.getBoundingClientRect().top - scroller.getBoundingClientRect().top - CONTEXT_PX;
    this.#scrolled();
  }

  /** Change what is above, and keep what the reader looks at where it is. @param {() => void} change */
  keep(change) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    change();
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  /** Change how high some rows are, and keep what the reader looks at where it is. @param {() => void} change */
  stay(change) {
    if (this.isAtEnd) {
      change();
      return this.toEnd();
    }
    const row = this.#rowAtTop();
    const before = row?.getBoundingClientRect().top ?? 0;
    change();
    this.#scroller.scrollTop += (row?.getBoundingClientRect().top ?? 0) - before;
  }

  #rowAtTop() {
    const {left, top, width} = this.#scroller.getBoundingClientRect();
    return document.elementsFromPoint(left + width / 2, top + 1).find((element) => element.matches(".messages > li"));
  }

  /** How far it is to both ends of the rows, in px. */
  distances() {
    const {scrollHeight, scrollTop, clientHeight} = this.#scroller;
    return {above: scrollTop, below: scrollHeight - scrollTop - clientHeight};
  }

  #resized() {
    this.#height = this.#scroller.clientHeight;
    if (this.isAtEnd) this.toEnd();
  }

  #scrolled() {
    this.isAtEnd = this.distances().below < NEAR_PX;
  }
}

/** Whether the page is on the screen. Not whether it has the focus: two windows may stand side by side. */
export function isInFront() {
  return document.visibilityState === "visible";
}
