/** The place in a conversation that the page's address names: `#seq=42`. */

/** Call with the position at once, where there is one, and when another is named. @param {(seq: number) => void} go */
export function atPlaceOfAddress(go) {
  const look = () => {
    const found = /^#seq=([1-9][0-9]{0,15})$/.exec(location.hash);
    if (found !== null) go(Number(found[1]));
  };
  window.addEventListener("hashchange", look);
  look();
}
