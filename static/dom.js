/** Makes elements. Text goes in as text only, so that nothing that a user typed can become markup. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Make an element; `attributes` may hold listeners (`onclick`) and booleans.
 * @param {string} tag
 * @param {Record<string, any>} attributes
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter(isSomething).map(asNode));
  return element;
}

/** @param {Child} child */
function isSomething(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {any} child @returns {Node | string} */
function asNode(child) {
  return child instanceof Node ? child : String(child);
}

const SVG = "http://www.w3.org/2000/svg";
/** The sprite, under the version that the page's own icons have. */
const sprite = document.querySelector("svg.icon use")?.getAttribute("href")?.split("#")[0] ?? "/static/icons.svg";

/**
 * Make an SVG element.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Node} children
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** One of the icons; it says nothing to who does not see it. @param {string} name */
export function icon(name) {
  return svg("svg", {class: "icon", "aria-hidden": "true"}, svg("use", {href: `${sprite}#${name}`}));
}

/** Set the text of an element, if it has another: a live region would say it again, and a selection would go.
 * @param {Element} element
 * @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Hide an element or show it, if that is news: setting what it is already has its style computed anew, in one more frame.
 * @param {HTMLElement} element
 * @param {boolean} isHidden */
export function setHidden(element, isHidden) {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}
