/** The audience of an announcement: a teacher ticks classes; who has every class chooses the school, a role or classes. */

import {Combobox} from "../combobox.js";
import {h, icon} from "../dom.js";
import {_, ngettext} from "../language.js";
import {byId, page} from "../page.js";
import {classTopic, isClass} from "../topic.js";
import {groupsOf} from "./groups.js";
import {placeName} from "./place.js";

/** The server's (channels/limit.py). */
const MAX_TARGETS = 100;
/** Chosen before, as many as are looked through at a glance. */
const MOST_CHIPS = 6;

/**
 * `problem`: why there are no topics, and where to put it right. `choose` takes topics that were chosen before.
 * @typedef {{words: string, field: HTMLElement}} Problem
 * @typedef {{topics: () => string[], problem: () => Problem | null, choose: (topics: string[]) => void,
 *            onChange: (listener: () => void) => void}} Audience
 */

/** One class, or all of a group. @typedef {{label: string, topics: string[]}} Choice */

/** @returns {Problem} */
function nobodyChosen() {
  return {words: _("Choose to whom you announce."), field: byId("announce").querySelector("fieldset input")};
}

/** @returns {Audience} */
export function startAudience() {
  return page.topics.all_classes ? ofTheSchool() : ofOwnClasses();
}

/** @returns {Audience} */
function ofOwnClasses() {
  const boxes = page.classes.map(({id}) => {
    return /** @type {HTMLInputElement} */ (h("input", {type: "checkbox", value: classTopic(id)}));
  });
  const all = byId("all-classes");
  byId("audience").append(...boxes.map((box, index) => h("label", {class: "chip"}, box, h("span", {dir: "auto"}, page.classes[index].title))));
  const topics = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const showAll = () => (all.checked = topics().length === boxes.length);
  all.addEventListener("change", () => boxes.forEach((box) => (box.checked = all.checked)));
  return {
    topics,
    problem: () => (topics().length === 0 ? nobodyChosen() : tooMany(topics(), all)),
    choose: (chosen) => {
      for (const box of boxes) box.checked = chosen.includes(box.value);
      showAll();
    },
    onChange: (listener) => {
      byId("announce").addEventListener("change", () => {
        showAll();
        listener();
      });
    },
  };
}

/** @returns {Audience} */
function ofTheSchool() {
  const form = byId("announce");
  const field = byId("class-title");
  const kind = () => form.querySelector("input[name=topic]:checked").value;
  const classes = chosenClasses(field);
  const topics = () => (kind() === "class" ? classes.topics() : [kind()]);
  const showKind = () => (byId("class-choice").hidden = kind() !== "class");
  form.addEventListener("change", showKind);
  return {
    topics,
    problem: () => (topics().length === 0 || classes.isUnknown() ? noSuchClass(field) : tooMany(topics(), field)),
    choose: (chosen) => {
      const value = isClass(chosen[0]) ? "class" : chosen[0];
      for (const radio of form.querySelectorAll("input[name=topic]")) radio.checked = radio.value === value;
      classes.choose(value === "class" ? chosen : []);
      showKind();
    },
    onChange: (listener) => {
      form.addEventListener("change", listener);
      field.addEventListener("input", listener);
      byId("chosen-classes").addEventListener("change", listener);
    },
  };
}

/**
 * The field names a class, or all classes of a group; "Add" keeps it, and the field is free for the next.
 * @param {HTMLInputElement} field
 */
function chosenClasses(field) {
  const single = page.classes.map((each) => ({label: nameOf(each), topics: [classTopic(each.id)]}));
  const groups = groupsOf(page.classes).map(({name, classes}) => ({
    label: ngettext("{name}: {n} class", "{name}: {n} classes", classes.length, {name}),
    topics: classes.map(({id}) => classTopic(id)),
  }));
  const options = [...groups, ...single];
  const combobox = new Combobox(field, options.map(({label}, value) => ({value, label})));
  const list = byId("chosen-classes");
  const add = byId("add-class");
  /** @type {Choice[]} */
  let kept = [];

  const typed = () => (combobox.chosen === undefined ? null : options[combobox.chosen.value]);
  const topics = () => [...new Set([...kept, typed()].flatMap((each) => each?.topics ?? []))];
  const showAdd = () => (add.hidden = typed() === null);
  const changed = () => {
    list.replaceChildren(...kept.map((choice) => h("li", {}, chosen(choice))));
    list.dispatchEvent(new Event("change"));
    showAdd();
  };

  /** @param {Choice} choice */
  function chosen(choice) {
    const drop = () => {
      kept = kept.filter((each) => each !== choice);
      changed();
      field.focus();
    };
    return h("button", {class: "chosen", type: "button", onclick: drop}, h("bdi", {}, choice.label), icon("close"), h("span", {class: "visually-hidden"}, _("Take away")));
  }

  add.addEventListener("click", () => {
    const choice = typed();
    if (choice !== null) kept = [...kept.filter(({label}) => label !== choice.label), choice];
    field.value = "";
    changed();
    field.focus();
  });
  field.addEventListener("input", showAdd);
  return {
    topics,
    isUnknown: () => field.value.trim() !== "" && typed() === null,
    /** @param {string[]} before */
    choose: (before) => {
      kept = choicesOf(before, options);
      field.value = "";
      changed();
    },
  };
}

/** The fewest choices for these topics: a group that has them, or each of a few. @param {string[]} topics @param {Choice[]} options @returns {Choice[]} */
function choicesOf(topics, options) {
  const wanted = new Set(topics);
  const whole = options.find((each) => each.topics.length === wanted.size && each.topics.every((topic) => wanted.has(topic)));
  if (whole !== undefined || topics.length === 0) return whole === undefined ? [] : [whole];
  if (topics.length > MOST_CHIPS) return [{label: ngettext("{n} class", "{n} classes", topics.length), topics}];
  return topics.map((topic) => ({label: placeName(topic), topics: [topic]}));
}

/** @param {string[]} topics @param {HTMLElement} field @returns {Problem | null} */
function tooMany({length}, field) {
  if (length <= MAX_TARGETS) return null;
  return {words: _("These are too many classes for one announcement. Choose the whole school, or fewer."), field};
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
