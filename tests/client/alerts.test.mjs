import assert from "node:assert/strict";
import {test} from "node:test";

import {alertsOf} from "../../server/views/principal/static/alerts.js";

const MINUTE = 60_000;
const now = 100 * MINUTE;
const quiet = {id: 7, title: "Matemática", students: 30, students_online: 20, teachers_online: 0, messages: []};
const lesson = {since: now - 40 * MINUTE, untaught: now - 5 * MINUTE};
const pace = ({messages}) => messages.at(-1) ?? 0;
const kinds = (...classes) => alertsOf(classes, now, pace).map((alert) => [alert.kind, alert.now.id]);

test("a lesson with students is reported after five minutes without a teacher", () => {
  assert.deepEqual(kinds({...quiet, lesson}), [["untaught", 7]]);
  assert.deepEqual(kinds({...quiet, lesson: {...lesson, untaught: now - 5 * MINUTE + 1}}), []);
});

test("no lesson, no students or a teacher is no alert", () => {
  assert.deepEqual(kinds(quiet, {...quiet, lesson: null}, {...quiet, lesson: {since: 1}}), []);
  assert.deepEqual(kinds({...quiet, lesson, students_online: 0}, {...quiet, lesson, teachers_online: 1}), []);
});

test("a flood is reported for three minutes, and the more the more students", () => {
  assert.deepEqual(kinds({...quiet, messages: [60]}, {...quiet, id: 8, messages: [70, 0, 0]}), [["flood", 8], ["flood", 7]]);
  assert.deepEqual(kinds({...quiet, messages: [59]}, {...quiet, messages: [60, 0, 0, 0]}), []);
  assert.deepEqual(kinds({...quiet, students_online: 200, messages: [399]}), []);
});

test("who waits longest comes first, and floods after them", () => {
  const longer = {...quiet, id: 8, lesson: {...lesson, untaught: now - 9 * MINUTE}};
  assert.deepEqual(kinds({...quiet, id: 6, messages: [80]}, {...quiet, lesson}, longer), [["untaught", 8], ["untaught", 7], ["flood", 6]]);
});
