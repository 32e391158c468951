/**
 * What must hold whatever happens on the way: everybody is handed exactly 1, 2, 3 … in order, and each durable push is
 * stored exactly once. Clients against a model server on a bad network behind a moody filter, over WebSockets and polls.
 */

import assert from "node:assert/strict";
import {test} from "node:test";

import {ModelFilter} from "./support/model_filter.mjs";
import {newWorld, range} from "./support/world.mjs";

const SEEDS = 150;
const STORM_MS = 180_000;
/** The widest backoff, an opening and an answer given up: after that everything has had its turn. */
const CALM_MS = 180_000;

/** One random thing that users, networks and filters do. */
function act({random, pages, server, filter}) {
  const page = pages[Math.floor(random() * pages.length)];
  const chance = random();
  if (chance < 0.6) page.send();
  else if (chance < 0.63) server.killConnections();
  else if (chance < 0.66) page.load();
  else if (chance < 0.7) page.wake();
  else if (chance < 0.71) page.use();
  else if (chance < 0.72) page.changeNetwork();
  else if (chance < 0.77) filter.switchTo(ModelFilter.MODES[Math.floor(random() * ModelFilter.MODES.length)]);
}

function storm(world) {
  const end = world.clock.now() + STORM_MS;
  while (world.clock.now() < end) {
    world.clock.advance(Math.floor(world.random() * 2000));
    act(world);
  }
}

/** The network is well again, and one more message shows where everybody is. */
function calm({clock, server, pages}) {
  server.calmDown();
  clock.advance(CALM_MS);
  pages[0].send();
  clock.advance(30_000);
}

function assertEachPushStoredOnce({server, pages}) {
  const ids = pages.flatMap(({deliveries}) => [...deliveries.keys()]);
  assert.equal(ids.length > 20, true, "the storm was busy");
  assert.deepEqual([...server.stored.keys()].sort(), ids.sort());
  assert.deepEqual([...server.stored.values()].filter((times) => times !== 1), []);
  for (const {channel} of pages) assert.deepEqual(channel.unsent, []);
}

/** Those of one page, in the order in which it sent them. */
function assertOrderOfEachPage({server}) {
  const numbers = {};
  for (const {payload} of server.events) {
    const [name, number] = payload.id.split("-");
    assert.equal(Number(number) > (numbers[name] ?? 0), true, `${payload.id} came after ${name}-${numbers[name]}`);
    numbers[name] = Number(number);
  }
}

/** How often one way followed upon another. */
function count(ways, before, after) {
  return ways.filter((way, index) => way === after && ways[index - 1] === before).length;
}

test(`everybody is handed exactly 1 … n, and each push is stored once, in ${SEEDS} storms`, () => {
  const happened = {toPoll: 0, toWebSocket: 0, lost: 0};
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const world = newWorld(seed);
    storm(world);
    calm(world);
    assertEachPushStoredOnce(world);
    assertOrderOfEachPage(world);
    happened.lost += world.polls.lost;
    for (const {list, joins, ways} of world.pages) {
      happened.toPoll += count(ways, "websocket", "longpoll");
      happened.toWebSocket += count(ways, "longpoll", "websocket");
      const [first, ...later] = joins;
      const begin = Math.max(1, first.seq - 49); // a page that was loaded late begins with the newest 50
      assert.deepEqual(list, range(begin, world.server.events.length), `seed ${seed}`);
      assert.equal(later.every(({resumed, complete}) => resumed && complete), true, `seed ${seed}`);
    }
  }
  for (const [what, times] of Object.entries(happened)) assert.equal(times > SEEDS, true, `${what}: ${times} times`);
});

test("where too much was missed the page is told to begin anew, and what it shows still has no hole", () => {
  let skips = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const world = newWorld(seed, {mostMissed: 3});
    storm(world);
    calm(world);
    assertEachPushStoredOnce(world);
    for (const {list, joins} of world.pages) {
      assert.deepEqual(list, range(list[0], world.server.events.length), `seed ${seed}`);
      assert.equal(joins.some(({resumed, complete}) => resumed && !complete), false);
      skips += joins.filter(({complete}) => !complete).length;
    }
  }
  assert.equal(skips > SEEDS, true, "it happened");
});

test("a journal that was restored from a backup is another one: everybody begins anew with it", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const world = newWorld(seed);
    storm(world);
    calm(world);
    const {server, clock, pages} = world;
    server.restore("e2", server.events.slice(0, 10));
    clock.advance(CALM_MS);
    for (const {list, joins} of pages) {
      assert.deepEqual(list, range(1, 10));
      assert.deepEqual(joins.at(-1), {resumed: false, complete: false, seq: 10});
    }
  }
});
