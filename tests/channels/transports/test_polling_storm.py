"""Polls that are repeated, given up, overtaken and lost at random, at any worker: everything arrives once, in order."""

import asyncio
import random
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from tests.channels.support import BRUNO
from tests.channels.transports.test_poll_sessions import MakeRoom, Place, Poller, make_place

__all__ = ["make_place"]

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

MESSAGES = 60


class Careless(Poller):
    """A client that loses answers, hangs up, and asks several workers at once; which answer arrives first counts."""

    def __init__(self, chance: random.Random, *places: Place, **options: Any) -> None:
        super().__init__(*places, **options)
        self._chance = chance
        self.lost = 0

    async def listen(self, count: int) -> None:
        """Poll until so many messages have come."""
        while len(self.texts()) < count:
            polls = [self.poll() for _ in range(self._chance.choice((1, 1, 1, 2, 3)))]
            for _ in range(self._chance.choice((0, 0, 1, 3))):
                await asyncio.sleep(0)
            kept = [poll for poll in polls if self._chance.random() < 0.8]
            done, _ = await asyncio.wait(kept, return_when=asyncio.FIRST_COMPLETED) if kept else (set(), None)
            for poll in set(polls) - done:
                poll.cancel()
            if done and self._chance.random() < 0.7:
                await self.answer(self._chance.choice(sorted(done, key=kept.index)))
            else:
                self.lost += len(done)


@pytest.mark.parametrize("seed", range(6))
async def test_a_careless_client_has_everything_once_and_in_order(make_place: MakeRoom, seed: int) -> None:
    chance = random.Random(seed)
    bus = MemoryBus()
    places = [await make_place(bus, poll_seconds=0.5) for _ in range(3)]
    ana = Careless(chance, *places, owner=chance.choice(places))
    bruno = Poller(*places, who=BRUNO, owner=chance.choice(places))
    await ana.join()
    await bruno.join()
    listening = asyncio.create_task(ana.listen(MESSAGES))
    for number in range(MESSAGES):
        await bruno.say(str(number), f"m{number}")
    async with asyncio.timeout(60):
        await listening
    assert ana.texts() == [str(number) for number in range(MESSAGES)]
    assert ana.lost > 0
