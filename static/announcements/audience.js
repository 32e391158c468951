/** The audience of an announcement: a teacher ticks classes; who has every class chooses the school, a role or a class. */

import {Combobox} from "../combobox.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {byId, page} from "../page.js";
import {classTopic} from "../topic.js";

/**
 * `problem`: why there are no topics, and where to put it right.
 * @typedef {{words: string, field: HTMLElement}} Problem
 * @typedef {{topics: () => string[], problem: () => Problem, onChange: (listener: () => void) => void}} Audience
 */

/** @returns {Problem} */
function nobodyChosen() {
  return {words: _("Choose to whom you announce."), field: byId("announce").querySelector("fieldset input")};
}

/** @returns {Audience} */
export function startAudience() {
  return page.topics.all_classes ? oneOfTheSchool() : severalClasses();
}

/** @returns {Audience} */
function severalClasses() {
  const boxes = page.classes.map(({id}) => {
    return /** @type {HTMLInputElement} */ (h("input", {type: "checkbox", value: classTopic(id)}));
  });
  const all = byId("all-classes");
  byId("audience").append(...boxes.map((box, index) => h("label", {class: "chip"}, box, h("span", {dir: "auto"}, page.classes[index].title))));
  const topics = () => boxes.filter((box) => box.checked).map((box) => box.value);
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  return {
    topics,
    problem: nobodyChosen,
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
  const classes = new Combobox(title, page.classes.map((each) => ({value: each.id, label: nameOf(each)})));
  const kind = () => form.querySelector("input[name=topic]:checked").value;
  const topics = () => {
    if (kind() !== "class") return [kind()];
    const {chosen} = classes;
    return chosen === undefined ? [] : [classTopic(chosen.value)];
  };
  form.addEventListener("change", () => {
    byId("class-choice").hidden = kind() !== "class";
  });
  return {
    topics,
    problem: () => noSuchClass(title),
    onChange: (listener) => {
      form.addEventListener("change", listener);
      title.addEventListener("input", listener);
    },
  };
}

/** @param {HTMLInputElement} title @returns {Problem} */
function noSuchClass(title) {
  const name = title.value.trim();
  if (name === "") return {words: _("Write the name of the class."), field: title};
  return {words: _("There is no class of the name “{name}”. Choose one of the list.", {name}), field: title};
}

/** A title that two classes share gets a number, so that each can be chosen. @param {import("../page.js").Classroom} one */
function nameOf({id, title}) {
  const isShared = page.classes.some((each) => each.id !== id && each.title === title);
  return isShared ? `${title} (${id})` : title;
}
