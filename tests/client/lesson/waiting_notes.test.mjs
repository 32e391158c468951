import assert from "node:assert/strict";
import {test} from "node:test";

import {NOTE, NOTE_CLOSED} from "../../../static/lesson/note_history.js";
import {WaitingNotes} from "../../../static/lesson/waiting_notes.js";

const ana = {id: 1, name: "Ana"};
const paula = {id: 3, name: "Paula"};
const note = (seq, author) => ({event: NOTE, payload: {seq, at: seq, user: ana, author}});

test("a student waits until somebody answers", () => {
  const waiting = new WaitingNotes();
  waiting.begin([{user: ana, count: 1, seq: 4, at: 4}]);
  waiting.take(note(5, ana));
  assert.deepEqual(waiting.students, [{user: ana, count: 2, seq: 5, at: 5}]);
  waiting.take(note(6, paula));
  assert.deepEqual(waiting.students, []);
});

test("a note that needs no answer waits no more, unless another came", () => {
  const waiting = new WaitingNotes();
  waiting.begin([{user: ana, count: 1, seq: 4, at: 4}]);
  waiting.take({event: NOTE_CLOSED, payload: {target: 3}});
  assert.equal(waiting.students.length, 1);
  waiting.take({event: NOTE_CLOSED, payload: {target: 4}});
  assert.equal(waiting.students.length, 0);
});
