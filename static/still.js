/** Tells whether a list must keep its order, because somebody is about to hit one of its items. */

/** After a touch or a scroll the finger is still near for so long. */
const NEAR_MS = 3000;

/**
 * Watch a list: it is *held* while the pointer is over it, the focus is in it, or a finger has just touched or scrolled it.
 * @param {HTMLElement} list
 * @param {() => void} released is called when it is held no more
 * @returns {() => boolean} whether it is held now
 */
export function watchHold(list, released) {
  let isOver = false;
  let isNear = false;
  /** @type {number | undefined} */
  let timer;
  const isHeld = () => isOver || isNear || list.contains(document.activeElement);
  // Not the conversation beside it, which scrolls with each message.
  const movesList = (/** @type {EventTarget | null} */ place) => place instanceof Node && place.contains(list);
  const release = () => {
    if (!isHeld()) released();
  };
  const near = () => {
    isNear = true;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      isNear = false;
      release();
    }, NEAR_MS);
  };
  list.addEventListener("pointerenter", ({pointerType}) => (isOver = pointerType === "mouse"));
  list.addEventListener("pointerleave", () => {
    isOver = false;
    release();
  });
  list.addEventListener("pointerdown", near);
  list.addEventListener("focusout", () => setTimeout(release)); // the next one has the focus by then
  document.addEventListener("scroll", ({target}) => movesList(target) && near(), {capture: true, passive: true});
  return isHeld;
}
