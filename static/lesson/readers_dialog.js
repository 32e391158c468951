/** Who can read this chat, and what is kept of it. */

import {closeDialog, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {_, list, ngettext} from "../language.js";
import {page} from "../page.js";

export function openReaders() {
  const {teachers = [], students = 0} = page.classroom;
  const readers = [
    ngettext("{n} student of the class", "{n} students of the class", students),
    teachers.length > 0 ? ngettext("its teacher: {names}", "its teachers: {names}", teachers.length, {names: list(teachers)}) : null,
    _("the principal of the school"),
  ];
  showDialog(_("Who can read this chat"), [
    h("ul", {}, ...readers.filter((each) => each !== null).map((each) => h("li", {}, each))),
    h("p", {}, _("Nobody else can. Students cannot send each other private messages.")),
    h("p", {}, _("The school keeps what is written. What was edited, deleted or hidden is gone from the chat; the staff can still look up what it said, and each look is recorded.")),
    h("div", {class: "dialog-choices"}, h("button", {class: "button", type: "button", onclick: closeDialog}, _("Close"))),
  ]);
}
