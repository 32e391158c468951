/**
 * A text field as high as its text. Browsers with `field-sizing` do that themselves (chat.css). In others its height is
 * measured, which lays the page out: only where the number of lines can have changed.
 */

/** Of the box, above and below. */
const BORDER_PX = 2;

/**
 * Return a function to call after each change of the field's text.
 * @param {HTMLTextAreaElement} field
 * @returns {() => void}
 */
export function growing(field) {
  if (CSS.supports("field-sizing", "content")) return () => {};
  let before = "";
  return () => {
    const mayShrink = !field.value.startsWith(before);
    before = field.value;
    if (mayShrink) field.style.height = "auto";
    const {scrollHeight, clientHeight} = field;
    if (mayShrink || scrollHeight > clientHeight) field.style.height = `${scrollHeight + BORDER_PX}px`;
  };
}
