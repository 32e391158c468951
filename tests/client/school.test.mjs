import assert from "node:assert/strict";
import {test} from "node:test";

import {follow, MINUTES, School} from "../../server/views/principal/static/school.js";
import {onlineClient} from "./support/client.mjs";

const totals = {users: {student: 3}, connections: 3, messages_per_minute: 4};
const moment = {version: 7, at: 1, minute: 100, elapsed: 15_000, totals};
const maths = {id: 7, title: "Matemática", students: 30, students_online: 3, teachers_online: 1, messages: [4, 0, 8, 1]};
const history = {id: 8, title: "História", students: 28, students_online: 0, teachers_online: 0, messages: []};
const changes = {...moment, version: 8, previous: 7, classes: [], gone: []};

function school() {
  const made = new School();
  made.begin({...moment, classes: [maths, history]});
  return made;
}

const newest = ({messages}, count) => messages.slice(-count);

test("a snapshot has every class, and the school's chart is their sum", () => {
  const made = school();
  assert.deepEqual([...made.classes.values()], [maths, history]);
  assert.deepEqual([made.messages.length, newest(made, 4)], [MINUTES, [4, 0, 8, 1]]);
});

test("a change replaces the fields that it has, and only the newest minutes", () => {
  const made = school();
  const classes = [{id: 7, students_online: 2, messages: [9, 2]}, {id: 8, messages: [5]}];
  assert.ok(made.apply({...changes, classes}));
  assert.deepEqual(made.classes.get(7), {...maths, students_online: 2, messages: [4, 0, 9, 2]});
  assert.deepEqual(made.classes.get(8), {...history, messages: [5]});
  assert.deepEqual(newest(made, 4), [4, 0, 9, 7]);
});

test("a lesson begins and is over by changes, and the time goes on between them", () => {
  const made = school();
  made.apply({...changes, classes: [{id: 7, lesson: {since: 5, untaught: 9}}]});
  assert.deepEqual(made.classes.get(7).lesson, {since: 5, untaught: 9});
  made.apply({...changes, previous: 8, version: 9, classes: [{id: 7, lesson: null}]});
  assert.equal(made.classes.get(7).lesson, null);
  assert.ok(made.at >= changes.at);
});

test("charts move on with the minute before a change applies", () => {
  const made = school();
  made.apply({...changes, minute: 102, classes: [{id: 7, messages: [6]}]});
  assert.deepEqual(made.classes.get(7).messages, [4, 0, 8, 1, 0, 6]);
  assert.deepEqual(made.classes.get(8).messages, []);
  assert.deepEqual(newest(made, 6), [4, 0, 8, 1, 0, 6]);
});

test("a chart never has more than its minutes", () => {
  const made = school();
  made.apply({...changes, minute: 100 + MINUTES - 1});
  assert.deepEqual(made.classes.get(7).messages, [1, ...Array(MINUTES - 1).fill(0)]);
  made.apply({...changes, previous: 8, version: 9, minute: 500});
  assert.deepEqual(made.messages, Array(MINUTES).fill(0));
});

test("new classes come and removed ones go, with their messages", () => {
  const made = school();
  const chemistry = {id: 9, title: "Química", students: 20, students_online: 0, teachers_online: 0};
  made.apply({...changes, classes: [{...chemistry, messages: [2]}], gone: [7]});
  assert.deepEqual([...made.classes.values()], [history, {...chemistry, messages: [2]}]);
  assert.deepEqual(newest(made, 2), [0, 2]);
});

test("a change that does not follow the last one is refused and changes nothing", () => {
  const made = school();
  assert.ok(!made.apply({...changes, previous: 6, version: 8, classes: [{id: 7, messages: [5]}], gone: [8]}));
  assert.deepEqual([[...made.classes.values()], made.moment.version], [[maths, history], 7]);
  assert.ok(made.apply(changes));
});

test("the last minute counts by the part of it that is not yet 60 seconds ago", () => {
  const made = school();
  assert.deepEqual([made.pace(maths), made.pace(history), made.pace({...history, messages: [3]})], [7, 0, 3]);
});

test("a topic of which a change is missing is joined again", () => {
  const {socket, network} = onlineClient();
  const made = new School();
  const versions = [];
  follow(socket.channel("dashboard"), made, () => versions.push(made.moment.version));
  network.webSocket.reply("phx_join", {state: {dashboard: {...moment, classes: [maths]}}});
  network.webSocket.broadcast("dashboard", "dashboard:changed", changes);
  network.webSocket.broadcast("dashboard", "dashboard:changed", {...changes, version: 10, previous: 9});
  network.webSocket.reply("phx_join", {state: {dashboard: {...moment, version: 10, classes: [maths, history]}}});
  network.webSocket.broadcast("dashboard", "dashboard:changed", {...changes, version: 11, previous: 10});
  assert.deepEqual([versions, network.webSocket.pushes("phx_join").length], [[7, 8, 10, 11], 2]);
});
