/** The dialog in which staff correct how a student attended a lesson; what was measured and said before stays. */

import {actions, pushAndClose, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_} from "../language.js";
import {dayAndTime} from "../time.js";
import {MARKS, markWord} from "./words.js";

/** The server's (channels/limit.py). */
const MAX_NOTE = 500;

/** @typedef {import("./register.js").Line} Line */

/** @param {import("../client/channel.js").Channel} channel of the class's staff @param {Line} line @param {number} target the lesson's position */
export function showCorrection(channel, line, target) {
  const note = /** @type {HTMLInputElement} */ (h("input", {name: "note", maxlength: MAX_NOTE, autocomplete: "off"}));
  const form = /** @type {HTMLFormElement} */ (
    h(
      "form",
      {class: "mark-form"},
      h("fieldset", {class: "mark-choices"}, h("legend", {class: "visually-hidden"}, _("Attendance")), ...MARKS.map((mark) => choice(mark, mark === line.mark))),
      h("label", {class: "mark-note"}, _("Note (for staff only)"), note),
    )
  );
  const save = () => {
    const mark = new FormData(form).get("mark");
    void pushAndClose(channel, "attendance:correct", {target, user: line.user.id, mark, note: note.value.trim()});
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  showDialog(line.user.name, [form, before(line), actions(_("Save"), save)]);
}

/** @param {string} mark @param {boolean} isChecked */
function choice(mark, isChecked) {
  return h("label", {}, h("input", {type: "radio", name: "mark", value: mark, checked: isChecked}), markWord(mark));
}

/** What was measured, and what was said of it. @param {Line} line */
function before(line) {
  const measured = h("li", {}, _("Measured: {mark}", {mark: markWord(line.measured)}));
  const said = line.corrections.map(({mark, note, by, at}) => {
    const words = `${dayAndTime(at)}: ${markWord(mark)} · ${by.name}`;
    return h("li", {dir: "auto"}, note === "" ? words : `${words} · ${note}`);
  });
  return h("ul", {class: "mark-before"}, ...said, measured);
}
