"""Loading a topic: a stored snapshot and the events after it give the same state as all events."""

import asyncio
from collections.abc import Awaitable
from itertools import pairwise

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.memory import MemoryBroker
from channels.journal.entry import Entry, Snapshot
from channels.journal.journal import Journal
from channels.lesson import amending, chat, lock
from channels.lesson.announcements import SENT, Announcements, AnnouncementSent
from channels.lesson.state import TopicState
from channels.topics import kind
from channels.topics.hub import Hub
from channels.topics.kind import parse_name
from channels.topics.topic import Topic
from channels.topics.topic_reader import TopicReader
from channels.wire.codec import Event
from server.asyncapi import TABLES
from tests.channels.support import PAULA, VIEWER, writer_for
from tests.cost import Cost, counted
from tests.long_topic import write_messages

NAME = "class:7"


def topic(name: str = NAME) -> Topic:
    return Topic(parse_name(name), TopicState([Announcements]))


async def announce(journal: Journal, count: int) -> None:
    """Append announcements and wait until they are stored."""
    for number in range(count):
        stored = asyncio.get_running_loop().create_future()
        payload = SENT.encode(AnnouncementSent("", f"{number}", PAULA.user))
        journal.append([Entry(NAME, SENT.name, payload, PAULA.user.id, None, number)], stored.set_result)
        await stored


async def snapshot_at(journal: Journal, seq: int) -> Snapshot:
    """Wait for the snapshot at a position."""
    async with asyncio.timeout(10):
        while (kept := await journal.snapshot(NAME)) is None or kept.seq < seq:
            await asyncio.sleep(0.001)
    assert kept.seq == seq
    return kept


async def loaded(journal: Journal, snapshot_events: int) -> Topic:
    fresh = topic()
    await TopicReader(journal, snapshot_events=snapshot_events).load(fresh, (await journal.heads([NAME]))[NAME])
    return fresh


async def test_snapshot_plus_later_events_equals_the_full_state(journal: Journal) -> None:
    await announce(journal, 70)
    whole = await loaded(journal, 1_000)
    assert await journal.snapshot(NAME) is None
    await loaded(journal, 70)
    await snapshot_at(journal, 70)
    await announce(journal, 5)
    assert (await loaded(journal, 1_000)).seq == 75
    for seq in range(71, 76):
        (event,) = await journal.after(NAME, seq - 1, 1)
        whole.state.apply(event)
    assert (await loaded(journal, 1_000)).state.view(VIEWER) == whole.state.view(VIEWER)


async def test_loading_folds_only_events_after_the_snapshot(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    await announce(journal, 60)
    await loaded(journal, 50)
    await snapshot_at(journal, 60)
    await announce(journal, 3)
    folded: list[int] = []
    apply = TopicState.apply

    def noted(state: TopicState, event: Event) -> None:
        folded.append(event.seq)
        apply(state, event)

    monkeypatch.setattr(TopicState, "apply", noted)
    await loaded(journal, 50)
    assert folded == [61, 62, 63]


async def test_snapshot_of_another_version_is_replaced(journal: Journal) -> None:
    await announce(journal, 10)
    journal.keep_snapshot(Snapshot(NAME, 10, b"of another version"))
    await snapshot_at(journal, 10)
    whole = await loaded(journal, 1_000)
    assert (whole.seq, len(whole.state.of(Announcements).view())) == (10, 10)
    await loaded(journal, 10)
    async with asyncio.timeout(10):
        while (await snapshot_at(journal, 10)).state != whole.state.dump():
            await asyncio.sleep(0.001)


async def test_live_topic_stores_a_snapshot_at_the_configured_interval(journal: Journal, database: AsyncEngine) -> None:
    hub = Hub(journal, MemoryBroker(), topic, snapshot_events=10)
    async with hub.holding(NAME) as live:
        await announce(journal, 25)
        for event in await journal.after(NAME, 0, 25):
            hub.accept(live, event)
        kept = await snapshot_at(journal, 20)
    other = topic()
    assert other.state.load(kept.state)
    assert len(other.state.of(Announcements).view()) == 20


async def test_topic_without_state_has_no_snapshots(journal: Journal) -> None:
    await announce(journal, 10)
    fresh = Topic(parse_name(NAME), TopicState(()))
    await TopicReader(journal, snapshot_events=5).load(fresh, 10)
    await announce(journal, 1)
    assert await journal.snapshot(NAME) is None


@pytest.mark.parametrize("lengths", [(1_000, 8_000), pytest.param((2_000, 200_000), marks=pytest.mark.long)])
async def test_reading_a_topic_costs_the_same_however_long_it_is(
    journal: Journal, database: AsyncEngine, lengths: tuple[int, int]
) -> None:
    await announce(journal, 20)
    costs: list[list[int]] = []
    for length, longer in pairwise([20, *lengths]):
        await write_messages(database, NAME, length, longer)
        costs.append(await costs_of_reading(database, longer))
    for short, long in zip(*costs, strict=True):
        assert long <= 1.2 * short + 20, costs


async def costs_of_reading(database: AsyncEngine, length: int) -> list[int]:
    """Return what it costs to load a class without a snapshot, and to read what a page may ask for then."""
    with counted(database) as cost:
        journal = Journal(database, writer_for(database))
        features = [feature for feature in TABLES.features if feature.name in kind.CLASS.features]
        reads: list[Awaitable[object]] = [
            TopicReader(journal).load(Topic(parse_name(NAME), TopicState(features)), length),
            journal.count(NAME, 0, None, 50, event=None, not_by=PAULA.user.id),
            journal.count(NAME, 0, None, 50, event=chat.SENT.name, not_by=PAULA.user.id),
            journal.count(NAME, 0, None, 50, event=lock.LOCKED.name, not_by=PAULA.user.id),
            journal.before(NAME, None, 10, [SENT.name, lock.LOCKED.name]),
            journal.after(NAME, 0, 30, [SENT.name, lock.LOCKED.name]),
            journal.about(NAME, 5, [amending.EDITED.name], 1),
        ]
        costs = [await cost_of(read, cost) for read in reads]
        await journal.close()
        return costs


async def cost_of(read: Awaitable[object], cost: Cost) -> int:
    await read
    return await cost.take()
