import assert from "node:assert/strict";
import {test} from "node:test";

import {SeenAnnouncements} from "../../../static/announcements/seen.js";
import {UnreadAnnouncements} from "../../../static/announcements/unread.js";
import {MemoryStorage, settled} from "../support/client.mjs";

const ME = 17;
const TEACHER = 3;

/** Announcements at these positions; the server has `stored` of them in all. */
function topicWith(positions, {read = 0, authorId = TEACHER, stored = positions} = {}) {
  const reading = {topic: "class:7", read, announcements: positions.map((seq) => announcement(seq, authorId))};
  const seen = new SeenAnnouncements(new MemoryStorage(), ME);
  seen.open("e1");
  const asked = [];
  const world = {reading, seen, asked, changes: 0, fails: false};
  world.unread = new UnreadAnnouncements({
    reading,
    seen,
    me: ME,
    count: async (after, before) => {
      asked.push([after, before]);
      if (world.fails) throw new Error("no connection");
      return stored.filter((seq) => seq > after && seq < before).length;
    },
    changed: () => (world.changes += 1),
  });
  return world;
}

function announcement(seq, id = TEACHER) {
  return {payload: {seq, author: {id}, at: seq, text: `text ${seq}`}};
}

function range(first, last) {
  return Array.from({length: last - first + 1}, (_, index) => first + index);
}

const seqs = (announcements) => announcements.map(({seq}) => seq);

test("announcements after the read mark and by others are unread", () => {
  const {unread, reading} = topicWith([2, 5, 9], {read: 2});
  assert.deepEqual(seqs(unread.listed()), [5, 9]);
  reading.announcements.push(announcement(10, ME));
  assert.deepEqual(seqs(unread.listed()), [5, 9]);
});

test("the server is asked for nothing while it cannot have more", () => {
  const {unread, asked} = topicWith(range(1, 49));
  assert.equal(unread.older(), 0);
  assert.deepEqual(asked, []);
});

test("those older than the page has are counted, once", async () => {
  const world = topicWith(range(101, 150), {read: 20, stored: range(1, 150)});
  assert.equal(world.unread.older(), 0);
  await settled();
  assert.equal(world.changes, 1);
  assert.equal(world.unread.older(), 80);
  assert.equal(world.unread.listed().length + world.unread.older(), 130);
  assert.deepEqual(world.asked, [[20, 101]]);
});

test("a new announcement that displaces an older one keeps the sum exact", async () => {
  const world = topicWith(range(101, 150), {read: 20, stored: range(1, 151)});
  world.unread.older();
  await settled();
  world.reading.announcements = range(102, 151).map((seq) => announcement(seq));
  world.unread.older();
  await settled();
  assert.equal(world.unread.listed().length + world.unread.older(), 131);
});

test("a mark that passes the older ones needs no count", async () => {
  const world = topicWith(range(101, 150), {read: 20, stored: range(1, 150)});
  world.unread.older();
  await settled();
  world.reading.read = 120;
  assert.equal(world.unread.older(), 0);
  assert.deepEqual(seqs(world.unread.listed()), range(121, 150));
});

test("a count that failed is asked for again", async () => {
  const world = topicWith(range(101, 150), {stored: range(1, 150)});
  world.fails = true;
  world.unread.older();
  await settled();
  world.fails = false;
  world.unread.older();
  await settled();
  assert.equal(world.unread.older(), 100);
});

test("what was seen behind unread chat is no longer new", () => {
  const {unread} = topicWith([40, 60], {read: 10});
  unread.markSeen(new Set([40]));
  assert.deepEqual(seqs(unread.listed()), [60]);
});

test("what was seen does not pass one that was not", () => {
  const {unread} = topicWith([40, 50, 60], {read: 10});
  unread.markSeen(new Set([60, 50]));
  assert.deepEqual(seqs(unread.listed()), [40, 50, 60]);
});

test("what was seen does not pass older ones that were not", async () => {
  const world = topicWith(range(101, 150), {stored: range(1, 150)});
  world.unread.markSeen(new Set(range(101, 150)));
  await settled();
  world.unread.markSeen(new Set(range(101, 150)));
  assert.equal(world.unread.listed().length + world.unread.older(), 150);
});
