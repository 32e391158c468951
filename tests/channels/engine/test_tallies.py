"""Choices are counted and told while they come in, of many a few times."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from channels.engine.tallies import Tallies
from channels.errors import Code, Refused
from channels.event import Delivery, EventType, Nothing
from channels.journal.entry import Choice, Entry
from channels.journal.journal import Journal
from channels.lesson.feature import Publish
from tests.channels.journal.support import append, entry

TOLD = EventType("told", Nothing, Delivery.EPHEMERAL)


class Told:
    """Records what is told, with the number of choices that it was told of."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def tell(self, counts: Mapping[int, int]) -> Publish[Nothing]:
        self.counts.append(sum(counts.values()))
        return Publish(TOLD, Nothing())

    async def until(self, is_told: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_told():
                await asyncio.sleep(0.001)


async def choose(journal: Journal, *users: int) -> None:
    refusal = Refused(Code.FORBIDDEN, "again")
    await append(
        journal, *(Entry("class:7", "vote", b"", user, None, 0, choice=Choice(1, 0, False, refusal)) for user in users)
    )


async def test_many_choices_are_told_of_together(journal: Journal) -> None:
    published: list[Any] = []
    told = Told()
    tallies = Tallies(journal, lambda topic, effect: published.append((topic, effect.event)), tell_seconds=0.01)
    await append(journal, entry(author=9))
    await choose(journal, *range(100))
    for _ in range(100):
        tallies.note("class:7", 1, told.tell)
    await told.until(lambda: told.counts == [100])
    await choose(journal, 100)
    tallies.note("class:7", 1, told.tell)
    await told.until(lambda: told.counts == [100, 101])
    assert published == [("class:7", TOLD)] * 2
    await tallies.close()


async def test_forgotten_choices_are_not_told(journal: Journal) -> None:
    told = Told()
    tallies = Tallies(journal, lambda topic, effect: None, tell_seconds=0.001)
    tallies.note("class:7", 1, told.tell)
    async with asyncio.timeout(10):
        while tallies._task is not None:
            await asyncio.sleep(0.001)
    assert told.counts == []
