/** One class in the principal's table; only what changed is written. */

import {h, setText} from "../../static/dom.js";
import {_, ngettext, number} from "../../static/language.js";
import {page} from "../../static/page.js";
import {chart, draw} from "./chart.js";

/**
 * @typedef {{id: number, title: string, students: number, students_online: number, teachers_online: number,
 *   messages_per_minute: number, messages: number[]}} ClassNow
 */

/** A scale that all rows share would hide the quiet ones; one of its own would make one message look like a storm. */
const LEAST_TOP = 10;

export class ClassRow {
  #link = h("a", {dir: "auto"});
  #teacher = h("span", {class: "teacher"});
  #here = h("strong");
  #of = h("span", {class: "muted"});
  #share = /** @type {HTMLProgressElement} */ (h("progress", {"aria-hidden": "true"}));
  #pace = h("strong");
  #chart;
  #shown = "";

  /** @param {ClassNow} now */
  constructor(now) {
    this.#chart = chart(now.messages.length);
    this.#link.setAttribute("href", `${page.home}classes/${now.id}`);
    this.element = h(
      "tr",
      {role: "row"},
      h("td", {role: "cell"}, this.#link),
      h("td", {role: "cell"}, this.#teacher),
      h("td", {role: "cell"}, h("span", {class: "students"}, h("span", {}, this.#here, this.#of), this.#share)),
      h("td", {role: "cell"}, h("span", {class: "pace"}, this.#pace, this.#chart)),
    );
    this.show(now);
  }

  /** @param {ClassNow} now */
  show(now) {
    const text = JSON.stringify(now);
    if (text === this.#shown) return;
    this.#shown = text;
    this.now = now;
    setText(this.#link, now.title);
    this.#showPeople(now);
    setText(this.#pace, number(now.messages_per_minute));
    draw(this.#chart, now.messages, Math.max(LEAST_TOP, ...now.messages));
    this.element.classList.toggle("is-silent", now.messages.every((count) => count === 0));
    this.element.classList.toggle("is-quiet", now.students_online + now.teachers_online === 0);
  }

  /** @param {ClassNow} now */
  #showPeople({students_online: here, students, teachers_online: teachers}) {
    setText(this.#here, number(here));
    setText(this.#of, ` / ${number(students)}`);
    this.#share.max = Math.max(1, students);
    this.#share.value = here;
    this.#teacher.className = `teacher ${teachers > 0 ? "here" : here > 0 ? "missing" : ""}`;
    setText(this.#teacher, teachers > 1 ? ngettext("{n} here", "{n} here", teachers) : teachers > 0 ? _("Here") : _("Not here"));
  }
}
