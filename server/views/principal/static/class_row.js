/** One class in the principal's table; only what changed is written. */

import {h, setText} from "../../static/dom.js";
import {_, ngettext, number} from "../../static/language.js";
import {page} from "../../static/page.js";
import {chart, draw} from "./chart.js";
import {needsAttention} from "./order.js";
import {MINUTES} from "./school.js";

/** @typedef {import("./school.js").ClassNow} ClassNow */

/** A scale that all rows share would hide the quiet ones; one of its own would make one message look like a storm. */
const LEAST_TOP = 10;

export class ClassRow {
  #link = h("a", {dir: "auto"});
  #lesson = h("span", {class: "badge", hidden: true}, _("Lesson now"));
  #teacher = h("span", {class: "teacher"});
  #here = h("strong");
  #of = h("span", {class: "muted"});
  #share = /** @type {HTMLProgressElement} */ (h("progress", {"aria-hidden": "true"}));
  #history = h("a", {class: "pace", title: _("Messages by day")});
  #pace = h("strong");
  #chart = chart(MINUTES);
  /** @type {ClassNow | null} what is shown; each change of a class is another object */
  #shown = null;

  /** @param {number} id */
  constructor(id) {
    this.#link.setAttribute("href", `${page.home}classes/${id}`);
    this.#history.setAttribute("href", `${page.home}classes/${id}/history`);
    this.#history.append(h("span", {class: "visually-hidden"}, _("Messages by day")), this.#pace, this.#chart);
    this.element = h(
      "tr",
      {role: "row"},
      h("td", {role: "cell"}, this.#link, " ", this.#lesson),
      h("td", {role: "cell"}, this.#teacher),
      h("td", {role: "cell"}, h("span", {class: "students"}, h("span", {}, this.#here, this.#of), this.#share)),
      h("td", {role: "cell"}, this.#history),
    );
  }

  /** @param {ClassNow} now @param {number} pace */
  show(now, pace) {
    setText(this.#pace, number(pace));
    if (now === this.#shown) return;
    const moved = now.messages !== this.#shown?.messages;
    this.#shown = now;
    setText(this.#link, now.title);
    this.#lesson.hidden = !now.lesson;
    this.#showPeople(now);
    if (moved) draw(this.#chart, now.messages, Math.max(LEAST_TOP, ...now.messages));
    this.element.classList.toggle("is-silent", now.messages.every((count) => count === 0));
    this.element.classList.toggle("is-quiet", now.students_online + now.teachers_online === 0);
    this.element.classList.toggle("needs-attention", needsAttention(now));
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
