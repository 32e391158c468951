"""Gaps are filled from the journal; events that it lacks are given up; a check reads only topics that have moved."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.broker import Envelope
from channels.broker.memory import MemoryBroker, MemoryBus
from channels.engine.engine import Periods
from channels.errors import JournalUnavailable
from channels.limit import NEWEST_EVENTS, RECENT_EVENTS
from channels.topics.gap_recovery import CHECK_PAUSE_SECONDS, GapRecovery
from channels.wire.codec import Event, stamped
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Client
from tests.channels.topics.support import FREE, MESSAGE, BrokenWriter, MakeWorker, seqs
from tests.statements import recorded


def positions(joined: Any) -> list[int]:
    return [each["payload"]["seq"] for each in joined["events"]]


async def say(client: Client, count: int) -> None:
    for _ in range(count):
        await client.send("class:7", "message:send", {"text": "x"})
        while client.session.appending > 100:
            await asyncio.sleep(0.001)
    async with asyncio.timeout(20):
        while client.session.appending:
            await asyncio.sleep(0.001)


async def delete(database: AsyncEngine, *conditions: str) -> None:
    """Delete rows of events directly, as with a SQL shell."""
    async with database.begin() as connection:
        for condition in conditions:
            await connection.execute(text(f"DELETE FROM events WHERE {condition}"))


@contextmanager
def statements(database: AsyncEngine) -> Iterator[list[str]]:
    """Collect the SQL statements that run, but those of the search index, which follows the journal by itself."""
    with recorded(database, lambda statement: statement != "BEGIN" and "search" not in statement) as seen:
        yield seen


async def spoken(make_worker: MakeWorker, count: int) -> None:
    """Fill a class with messages through a worker of its own."""
    worker = await make_worker(limits=FREE, periods=NEVER)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await say(ana, count)


# For tests that count statements: a worker does nothing by itself.
NEVER = Periods(**dict.fromkeys((field.name for field in fields(Periods)), 3_600.0))

LAST = RECENT_EVENTS + 200


@pytest.mark.parametrize(
    ("deleted", "newest"),
    [
        ("seq <= 400", NEWEST_EVENTS),
        (f"seq > {LAST - 10}", 0),
        (f"seq = {LAST - 3}", 3),
        ("seq IN (100, 150)", NEWEST_EVENTS),
        ("seq > 0", 0),
    ],
)
async def test_join_after_deleted_rows_gets_the_newest_as_incomplete(
    make_worker: MakeWorker, database: AsyncEngine, deleted: str, newest: int
) -> None:
    await spoken(make_worker, LAST)
    await delete(database, deleted)
    worker = await make_worker(limits=FREE)
    ana = worker.connect(ANA)
    async with asyncio.timeout(5):
        joined = await ana.ok("class:7", "phx_join", {"since": 20})
    assert (joined["complete"], joined["seq"]) == (False, LAST)
    assert positions(joined) == list(range(LAST - newest + 1, LAST + 1))
    # The topic continues, without gaps after the deleted rows.
    await say(ana, 2)
    await ana.has(2)
    assert seqs(ana) == [LAST + 1, LAST + 2]
    joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": LAST})
    assert (joined["complete"], positions(joined)) == (True, [LAST + 1, LAST + 2])
    assert positions(await worker.connect(BRUNO).ok("class:7", "phx_join"))[-2:] == [LAST + 1, LAST + 2]


async def test_join_returns_when_rows_of_a_loaded_topic_are_missing(
    make_worker: MakeWorker, database: AsyncEngine
) -> None:
    worker = await make_worker(limits=FREE)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await say(ana, LAST)
    await delete(database, "seq BETWEEN 50 AND 60")
    async with asyncio.timeout(5):
        for since, complete in ((20, False), (60, True), (55, False)):
            joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": since})
            assert joined["complete"] is complete
            assert positions(joined) == list(range(61 if complete else LAST - NEWEST_EVENTS + 1, LAST + 1))
        await delete(database, "seq > 20")
        joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": 70})
        assert (joined["complete"], len(joined["events"])) == (False, NEWEST_EVENTS)


async def test_joins_after_deleted_rows_are_served_from_memory(make_worker: MakeWorker, database: AsyncEngine) -> None:
    await spoken(make_worker, 20)
    await delete(database, "seq <= 10")
    worker = await make_worker(limits=FREE, periods=NEVER)
    await worker.engine._indexing.catch_up()  # of the first worker's messages; it reads the journal
    await worker.connect(ANA).ok("class:7", "phx_join")
    with statements(database) as seen:
        joined = await worker.connect(BRUNO).ok("class:7", "phx_join")
        assert positions(joined) == list(range(11, 21))
        joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": 3})
        assert (joined["complete"], positions(joined)) == (False, list(range(11, 21)))
    assert seen == []


@pytest.mark.parametrize(("deleted", "rest"), [("seq IN (2, 3)", [4, 5]), ("seq IN (4, 5)", []), ("seq > 1", [])])
async def test_clients_rejoin_when_the_journal_cannot_fill_their_gap(
    make_worker: MakeWorker,
    database: AsyncEngine,
    deleted: str,
    rest: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    lossy = True
    bus = MemoryBus(lose=lambda envelope: lossy and envelope.seq > 1)
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    await say(ana, 5)
    await bruno.has(1)
    await delete(database, deleted)
    async with asyncio.timeout(5):
        await two.engine._hub.check()
        while bruno.closed_with is None:
            await asyncio.sleep(0.001)
    assert bruno.closed_with == 4010
    assert "the journal lacks the events" in caplog.text
    # No event after the gap was sent.
    assert seqs(bruno) == list(range(1, len(seqs(bruno)) + 1))
    back = two.connect(BRUNO)
    joined = await back.ok("class:7", "phx_join", {"since": 1})
    assert (joined["complete"], joined["seq"], positions(joined)) == (False, 5, rest)
    lossy = False
    await say(ana, 1)
    await back.has(1)
    assert seqs(back) == [6]


async def test_gap_is_given_up_when_the_event_was_never_stored(make_worker: MakeWorker, database: AsyncEngine) -> None:
    bus = MemoryBus()
    one, two = await make_worker(bus, periods=NEVER), await make_worker(bus, periods=NEVER)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    with statements(database) as seen:
        two.engine._bus.received([Envelope("class:7", "message:sent", stamped(MESSAGE, 100, 1), 100)])
        topic = two.engine._hub.topics["class:7"]
        async with asyncio.timeout(5):
            while topic.hole is not None:
                await asyncio.sleep(0.001)
    assert len(seen) == 3
    assert (topic.head, topic.waiting) == (0, {})
    await say(ana, 2)
    await bruno.has(2)
    assert seqs(bruno) == [1, 2]
    assert bruno.closed_with is None


async def test_check_of_idle_topics_is_one_query_at_most(make_worker: MakeWorker, database: AsyncEngine) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus, periods=NEVER), await make_worker(bus, periods=NEVER)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    hub = two.engine._hub
    for number in range(100, 1_300):
        async with hub.holding(f"user:{number}"):
            pass
    await hub.check()
    with statements(database) as seen:
        await hub.check()
    assert len(seen) == (0 if database.dialect.name == "sqlite" else 1), "of a file that has not changed, none"
    await say(ana, 3)
    assert seqs(bruno) == []
    with statements(database) as seen:
        await hub.check()
    await bruno.has(3)
    assert (len(seen), seqs(bruno)) == (2, [1, 2, 3])


async def test_events_committed_while_a_topic_loads_are_delivered(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus), await make_worker(bus)
    ana = one.connect(ANA)
    await ana.ok("class:7", "phx_join")
    hub = two.engine._hub
    await hub.check()
    marks = two.journal.marks

    async def meanwhile(name: str) -> dict[int, int]:
        await say(ana, 1)
        await hub.check()
        return await marks(name)

    await say(ana, 1)
    monkeypatch.setattr(two.journal, "marks", meanwhile)
    bruno = two.connect(BRUNO)
    joined = await bruno.ok("class:7", "phx_join")
    assert positions(joined) == [1]
    await bruno.has(1)
    assert seqs(bruno) == [2]


async def test_check_that_failed_halfway_is_completed_later(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus), await make_worker(bus)
    paula, diretora = one.connect(PAULA), two.connect(DIRETORA)
    for client in (paula, diretora):
        await client.ok("class:7", "phx_join")
    await diretora.ok("class:8", "phx_join")
    elsewhere = one.connect(DIRETORA)
    await elsewhere.ok("class:8", "phx_join")
    await two.engine._hub.check()
    await paula.ok("class:7", "message:send", {"text": "x"})
    await elsewhere.ok("class:8", "announcement:send", {"text": "x"})
    after = two.journal.after
    failures: list[object] = []

    async def fails_once(*args: Any) -> Sequence[Any]:
        if not failures:
            failures.append(args)
            raise RuntimeError("a defect")
        return await after(*args)

    monkeypatch.setattr(two.journal, "after", fails_once)
    with pytest.raises(RuntimeError):
        await two.engine._hub.check()
    await diretora.has(1)
    await diretora.has(1, "announcement:sent")


async def test_later_event_reveals_events_lost_by_the_broker(
    make_worker: MakeWorker,
) -> None:
    bus = MemoryBus(lose=lambda envelope: envelope.seq in (2, 3))
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    await say(ana, 4)
    await bruno.has(4)
    assert seqs(bruno) == [1, 2, 3, 4]


async def test_check_finds_a_lost_last_event(make_worker: MakeWorker) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    await say(ana, 3)
    assert seqs(bruno) == []
    await two.engine._hub.check()
    await bruno.has(3)
    assert seqs(bruno) == [1, 2, 3]


async def test_lost_broker_starts_journal_checks_at_once(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryBroker, "check_seconds", 3_600.0)
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    await say(ana, 3)
    assert seqs(bruno) == []
    monkeypatch.setattr(MemoryBroker, "check_seconds", 0.3)
    two.engine._bus.doubted()
    await bruno.has(3)


async def test_worker_waits_for_its_next_check_in_one_piece(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryBroker, "check_seconds", 3_600.0)
    waits: list[float] = []
    wait = GapRecovery._wait

    async def counted(recovery: GapRecovery, seconds: float) -> None:
        waits.append(seconds)
        await wait(recovery, seconds)

    monkeypatch.setattr(GapRecovery, "_wait", counted)
    worker = await make_worker(MemoryBus(), periods=NEVER)
    for count in (1, 2):
        async with asyncio.timeout(5):
            while len(waits) < count:
                await asyncio.sleep(0.01)
        assert (len(waits), 3_000 < waits[-1] <= 3_600) == (count, True)
        worker.engine._bus.doubted()


async def test_position_ahead_of_this_worker_is_confirmed_by_the_journal(
    make_worker: MakeWorker,
) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    await say(ana, 3)
    joined = await two.connect(ANA).ok("class:7", "phx_join", {"since": 2})
    assert (joined["complete"], joined["seq"]) == (True, 3)
    assert [event["payload"]["seq"] for event in joined["events"]] == [3]
    joined = await two.connect(ANA).ok("class:7", "phx_join", {"since": 4})
    assert (joined["complete"], joined["seq"]) == (False, 3)


async def test_commit_with_a_lost_reply_is_delivered_once(make_worker: MakeWorker, database: AsyncEngine) -> None:
    writer = BrokenWriter(database)
    worker = await make_worker(writer=writer)
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    writer.mute = True
    assert await ana.refused("class:7", "message:send", {"text": "x", "id": "1"}) == "unavailable"
    await bruno.has(1)
    writer.mute = False
    assert (await ana.ok("class:7", "message:send", {"text": "x", "id": "1"}))["seq"] == 1
    assert (await ana.ok("class:7", "message:send", {"text": "y", "id": "2"}))["seq"] == 2
    for client in (ana, bruno):
        await client.has(2)
        assert seqs(client) == [1, 2]


async def test_failing_pushes_during_an_outage_share_one_check_task(
    make_worker: MakeWorker, database: AsyncEngine
) -> None:
    writer = BrokenWriter(database)
    worker = await make_worker(limits=FREE, writer=writer)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    writer.broken = True
    for _ in range(10):  # each waits for the next attempt to commit: up to 0.4 s
        assert await ana.refused("class:7", "message:send", {"text": "x"}) == "unavailable"
    assert [task.get_coro().__name__ for task in asyncio.all_tasks()].count("_check_until_done") <= 1  # type: ignore[union-attr]


async def test_retried_push_reveals_a_missing_event(make_worker: MakeWorker) -> None:
    bus = MemoryBus(lose=lambda envelope: envelope.seq == 1)
    one, two = await make_worker(bus), await make_worker(bus)
    ana, moved = one.connect(ANA), two.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await moved.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "x", "id": "1"})
    assert (await moved.ok("class:7", "message:send", {"text": "x", "id": "1"}))["seq"] == 1
    await moved.has(1)
    assert seqs(moved) == [1]


async def test_failed_read_of_a_gap_is_retried(make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = MemoryBus(lose=lambda envelope: envelope.seq == 1)
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    after = two.journal.after
    failures: list[object] = []

    async def fails_once(*args: Any) -> list[Event]:
        if not failures:
            failures.append(args)
            raise JournalUnavailable("away")
        return await after(*args)

    monkeypatch.setattr(two.journal, "after", fails_once)
    await say(ana, 2)
    await bruno.has(2)
    assert seqs(bruno) == [1, 2]
    assert failures


async def test_events_missing_after_a_join_arrive_live_and_once(make_worker: MakeWorker) -> None:
    lossy = False
    bus = MemoryBus(lose=lambda envelope: lossy)
    one, two = await make_worker(bus, FREE), await make_worker(bus, FREE)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    for _ in range(RECENT_EVENTS + 50):
        await ana.send("class:7", "message:send", {"text": "x"})
        while ana.session.appending > 100:
            await asyncio.sleep(0.001)
    await bruno.has(RECENT_EVENTS + 50)
    lossy = True
    await say(ana, 5)
    late = two.connect(PAULA)
    joined = await late.ok("class:7", "phx_join", {"since": 0})
    had = [event["payload"]["seq"] for event in joined["events"]]
    await two.engine._hub.check()
    await late.has(RECENT_EVENTS + 55 - len(had))
    assert had + seqs(late) == list(range(1, RECENT_EVENTS + 56))


async def test_many_new_subscriptions_share_few_checks(make_worker: MakeWorker, database: AsyncEngine) -> None:
    worker = await make_worker(periods=NEVER)
    hub = worker.engine._hub
    began = asyncio.get_running_loop().time()
    with recorded(database, lambda statement: "moved.moved" in statement) as checks:
        for _ in range(200):
            hub.resubscribed(["class:7"])
            await asyncio.sleep(0.001)
        async with asyncio.timeout(10):
            while not checks:
                await asyncio.sleep(0.001)
        lasted = asyncio.get_running_loop().time() - began
    # One at once, one at the end, and two by others that begin with the worker.
    assert len(checks) <= lasted / CHECK_PAUSE_SECONDS + 4
