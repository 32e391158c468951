/** To whom one announces: a teacher ticks classes, the principal chooses the school, a role or one class. */

import {h} from "../dom.js";
import {byId, page} from "../page.js";

/** @typedef {{topics: () => string[], onChange: (listener: () => void) => void}} Audience */

/** @returns {Audience} */
export function startAudience() {
  return page.me.role === "principal" ? oneOfTheSchool() : severalClasses();
}

/** @returns {Audience} */
function severalClasses() {
  const boxes = page.classes.map(({id}) => {
    return /** @type {HTMLInputElement} */ (h("input", {type: "checkbox", value: `class:${id}`}));
  });
  const all = byId("all-classes");
  byId("audience").append(...boxes.map((box, index) => h("label", {class: "chip"}, box, h("span", {}, page.classes[index].title))));
  const topics = () => boxes.filter((box) => box.checked).map((box) => box.value);
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  return {
    topics,
    onChange: (listener) => {
      byId("announce").addEventListener("change", () => {
        all.checked = topics().length === boxes.length;
        listener();
      });
    },
  };
}

/** @returns {Audience} */
function oneOfTheSchool() {
  const form = byId("announce");
  const title = byId("class-title");
  const byTitle = new Map(page.classes.map((each) => [nameOf(each), each.id]));
  byId("class-titles").append(...[...byTitle.keys()].map((value) => h("option", {value})));
  const chosen = () => form.querySelector("input[name=topic]:checked").value;
  const topics = () => {
    if (chosen() !== "class") return [chosen()];
    const id = byTitle.get(title.value.trim());
    return id === undefined ? [] : [`class:${id}`];
  };
  form.addEventListener("change", () => {
    byId("class-choice").hidden = chosen() !== "class";
  });
  return {
    topics,
    onChange: (listener) => {
      form.addEventListener("change", listener);
      title.addEventListener("input", listener);
    },
  };
}

/** A title that two classes share gets a number, so that each can be chosen. @param {import("../page.js").Classroom} one */
function nameOf({id, title}) {
  const isShared = page.classes.some((each) => each.id !== id && each.title === title);
  return isShared ? `${title} (${id})` : title;
}
