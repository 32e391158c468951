/**
 * Long-polling over a network that loses answers, by itself: where nothing else goes wrong nobody has to join again, for a
 * poll that is repeated brings what was lost. And the move to a WebSocket and back, while everybody talks.
 */

import assert from "node:assert/strict";
import {test} from "node:test";

import {CALM} from "./support/model_server.mjs";
import {newWorld, range} from "./support/world.mjs";

const SEEDS = 50;

/** Let everybody talk for a while. */
function talk({clock, random, pages}, ms) {
  const end = clock.now() + ms;
  while (clock.now() < end) {
    clock.advance(Math.floor(random() * 1000));
    pages[Math.floor(random() * pages.length)].send();
  }
}

function assertComplete({server, pages}, hint) {
  const ids = pages.flatMap(({deliveries}) => [...deliveries.keys()]);
  assert.deepEqual([...server.stored.keys()].sort(), ids.sort(), hint);
  for (const {list, channel} of pages) {
    assert.deepEqual(list, range(1, server.events.length), hint);
    assert.deepEqual(channel.unsent, [], hint);
  }
}

/** Return a world in which nothing goes wrong but these mishaps, with everybody joined. */
function calmWorld(seed, {mode = "pass", ...mishaps}) {
  const world = newWorld(seed);
  world.server.mishaps = {...CALM, ...mishaps};
  world.filter.switchTo(mode);
  world.clock.advance(20_000);
  return world;
}

test("answers to polls that are lost on the way are neither a hole nor a double, and cost no connection", () => {
  let rejoins = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const world = calmWorld(seed, {mode: "refuse"});
    world.server.mishaps = {...CALM, poll: 0.1};
    talk(world, 60_000);
    world.server.calmDown();
    world.clock.advance(60_000);
    assertComplete(world, `seed ${seed}`);
    assert.equal(world.polls.lost > 20, true);
    for (const {joins} of world.pages) rejoins += joins.length - 1;
  }
  assert.equal(rejoins <= 3, true, `${rejoins} times five or more were lost in a row, and the session with them`);
});

test("nor does one that reports to nobody, where nothing is pushed", () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const world = calmWorld(seed, {mode: "refuse"});
    world.server.mishaps = {...CALM, poll: 1, silence: 1};
    world.clock.advance(11_000); // everybody's next poll, and no other
    world.server.calmDown();
    world.clock.advance(30_000);
    assert.deepEqual(world.pages.map(({joins}) => joins.length), [1, 1, 1], `seed ${seed}`);
  }
});

test("posts that are lost, or whose answer is, are sent again on the next session under the same ids", () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const world = calmWorld(seed, {mode: "refuse"});
    world.server.mishaps = {...CALM, post: 0.2, silence: 0.5};
    talk(world, 60_000);
    world.server.calmDown();
    world.clock.advance(120_000);
    assertComplete(world, `seed ${seed}`);
    assert.equal([...world.server.stored.values()].every((times) => times === 1), true);
  }
});

test("pages move from polls to a WebSocket while everybody talks, without losing their place", () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const world = calmWorld(seed, {mode: "refuse"});
    assert.deepEqual(world.pages.map(({transport}) => transport), ["longpoll", "longpoll", "longpoll"]);
    talk(world, 5000);
    world.filter.switchTo("pass");
    for (const page of world.pages) page.changeNetwork();
    talk(world, 20_000);
    assert.deepEqual(world.pages.map(({transport}) => transport), ["websocket", "websocket", "websocket"]);
    world.clock.advance(10_000);
    assertComplete(world, `seed ${seed}`);
    assert.deepEqual(world.pages.map(({joins}) => joins.map(({resumed}) => resumed)), Array(3).fill([false, true]));
  }
});

test("a filter that sets in while everybody talks moves them to polls", () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    for (const mode of ["refuse", "hang", "kill", "swallow"]) {
      const world = calmWorld(seed, {});
      talk(world, 5000);
      world.filter.switchTo(mode);
      talk(world, 30_000);
      assert.deepEqual(world.pages.map(({transport}) => transport), ["longpoll", "longpoll", "longpoll"], mode);
      world.clock.advance(20_000);
      assertComplete(world, `seed ${seed}, ${mode}`);
    }
  }
});
