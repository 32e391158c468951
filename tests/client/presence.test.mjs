import assert from "node:assert/strict";
import {test} from "node:test";

import {Presence} from "../../static/client/presence.js";

const ana = {id: 1, name: "Ana", role: "student"};
const bruno = {id: 2, name: "Bruno", role: "student"};
const paula = {id: 3, name: "Paula", role: "teacher"};

const entry = (user, ...refs) => ({[user.id]: {metas: refs.map((phx_ref) => ({phx_ref})), user}});
const names = (presence) => presence.list().map(({name}) => name);

function presenceOf(entries) {
  const presence = new Presence();
  presence.receive("presence_state", entries);
  return presence;
}

function diff(presence, {joins = {}, leaves = {}}) {
  presence.receive("presence_diff", {joins, leaves});
}

test("the state is the list, by name", () => {
  assert.deepEqual(presenceOf({...entry(paula, "c"), ...entry(ana, "a")}).list(), [ana, paula]);
});

test("joins and leaves change it", () => {
  const presence = presenceOf(entry(ana, "a"));
  diff(presence, {joins: entry(bruno, "b")});
  assert.deepEqual(names(presence), ["Ana", "Bruno"]);
  diff(presence, {leaves: entry(ana, "a")});
  assert.deepEqual(names(presence), ["Bruno"]);
});

test("a user with two sessions stays until the last is gone", () => {
  const presence = presenceOf(entry(ana, "a1", "a2"));
  diff(presence, {leaves: entry(ana, "a1")});
  assert.deepEqual(names(presence), ["Ana"]);
  diff(presence, {leaves: entry(ana, "a2")});
  assert.deepEqual(names(presence), []);
});

test("a session exchanged in one difference keeps its user: joins come before leaves", () => {
  const presence = presenceOf(entry(ana, "old"));
  diff(presence, {joins: entry(ana, "new"), leaves: entry(ana, "old")});
  assert.deepEqual(names(presence), ["Ana"]);
  diff(presence, {leaves: entry(ana, "new")});
  assert.deepEqual(names(presence), []);
});

test("a session told twice counts once", () => {
  const presence = presenceOf(entry(ana, "a"));
  diff(presence, {joins: entry(ana, "a")});
  diff(presence, {leaves: entry(ana, "a")});
  assert.deepEqual(names(presence), []);
});

test("a leave of nobody changes nothing", () => {
  const presence = presenceOf(entry(ana, "a"));
  diff(presence, {leaves: entry(bruno, "b")});
  assert.deepEqual(names(presence), ["Ana"]);
});

test("differences before the state wait for it", () => {
  const presence = new Presence();
  diff(presence, {joins: entry(bruno, "b")});
  diff(presence, {leaves: entry(ana, "a")});
  assert.deepEqual(names(presence), []);
  presence.receive("presence_state", {...entry(ana, "a"), ...entry(paula, "c")});
  assert.deepEqual(names(presence), ["Bruno", "Paula"]);
});

test("after another join the list stays until its state comes, and is then that alone", () => {
  const presence = presenceOf({...entry(ana, "a"), ...entry(bruno, "b")});
  presence.expectState();
  diff(presence, {leaves: entry(paula, "c")});
  assert.deepEqual(names(presence), ["Ana", "Bruno"]);
  presence.receive("presence_state", {...entry(paula, "c"), ...entry(ana, "a2")});
  assert.deepEqual(names(presence), ["Ana"]);
});

test("listeners get the list at once and after each change", () => {
  const presence = presenceOf(entry(ana, "a"));
  const lists = [];
  const remove = presence.onChange((users) => lists.push(users.map(({name}) => name)));
  diff(presence, {joins: entry(bruno, "b")});
  remove();
  diff(presence, {leaves: entry(bruno, "b")});
  assert.deepEqual(lists, [["Ana"], ["Ana", "Bruno"]]);
});

test("large classes tell counts, and late listeners get the last", () => {
  const presence = new Presence();
  const early = [];
  presence.onCount((counts) => early.push(counts));
  presence.receive("presence_count", {users: {student: 300, teacher: 2}});
  const late = [];
  presence.onCount((counts) => late.push(counts));
  assert.deepEqual([early, late], [[{users: {student: 300, teacher: 2}}], [{users: {student: 300, teacher: 2}}]]);
});

test("a name is a key of its own, whatever it is", () => {
  const presence = presenceOf(JSON.parse('{"__proto__": {"metas": [{"phx_ref": "x"}], "user": {"id": 9, "name": "X"}}}'));
  assert.deepEqual(names(presence), ["X"]);
  assert.equal({}.metas, undefined);
});
