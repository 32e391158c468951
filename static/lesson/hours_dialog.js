/** The hours of a class, to be chosen: those of the school, or others. */

import {actions, complain, pushAndClose, showDialog} from "../dialog.js";
import {h} from "../dom.js";
import {dayOfWeek, hoursForm} from "../hours_form.js";
import {_} from "../language.js";

/** @typedef {import("./restrictions.js").ClassHours} ClassHours */
/** @typedef {import("./restrictions.js").Hours} Hours */

/** @param {import("../client/channel.js").Channel} channel @param {ClassHours} hours */
export function openHours(channel, {own, school, zone}) {
  const choices = [
    {mode: /** @type {const} */ ("school"), label: _("As the school sets it: {hours}", {hours: hoursWords(school)})},
    {mode: /** @type {const} */ ("always"), label: _("At all hours")},
    {mode: /** @type {const} */ ("lesson"), label: _("During lessons")},
    {mode: /** @type {const} */ ("hours"), label: _("At these times ({zone})", {zone})},
  ];
  const form = hoursForm(own ?? {mode: "school", spans: school.spans}, choices);
  const save = () => {
    const chosen = form.read();
    if (chosen === null) return complain(_("Each day must open before it closes, and one day at least must open."));
    const mode = chosen.mode === "school" ? null : chosen.mode;
    void pushAndClose(channel, "chat:hours", {mode, spans: chosen.spans});
  };
  showDialog(_("When students can write"), [form.element, h("p", {class: "muted"}, _("They can always read.")), actions(_("Save"), save)]);
}

/** Hours in a few words. @param {Hours} hours */
function hoursWords({mode, spans}) {
  if (mode === "always") return _("at all hours");
  if (mode === "lesson") return _("during lessons");
  const days = [...new Set(spans.map(({day}) => day))].sort((one, other) => one - other);
  const isRun = days.every((day, index) => index === 0 || day === days[index - 1] + 1);
  const times = new Set(spans.map(({opens, closes}) => `${opens}–${closes}`));
  if (times.size !== 1 || !isRun || days.length < 2) return _("at certain times");
  return _("{first} to {last}, {times}", {first: dayOfWeek(days[0]), last: dayOfWeek(days[days.length - 1]), times: [...times][0]});
}
