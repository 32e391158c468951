"""What the journal lacks is not waited for, and a check costs by what has moved."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.broker import Envelope
from channels.broker.memory import MemoryBus
from channels.lesson import chat
from channels.limit import NEWEST_EVENTS, RECENT_EVENTS, Limits
from channels.wire.codec import stamped
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Client, Worker

MakeWorker = Callable[..., Awaitable[Worker]]
FREE = Limits(push_rate=0)
MESSAGE = chat.SENT.encode(chat.MessageSent("oi", ANA.user))


def seqs(client: Client) -> list[int]:
    return [message["seq"] for message in client.got("message:sent")]


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
    """Delete rows of events as somebody with a shell does."""
    async with database.begin() as connection:
        for condition in conditions:
            await connection.execute(text(f"DELETE FROM events WHERE {condition}"))


@contextmanager
def statements(database: AsyncEngine) -> Iterator[list[str]]:
    """Collect the SQL that is read with."""
    seen: list[str] = []

    def note(*args: Any) -> None:
        if args[2] != "BEGIN":
            seen.append(args[2])

    event.listen(database.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.sync_engine, "before_cursor_execute", note)


async def spoken(make_worker: MakeWorker, count: int) -> None:
    """Fill a class with messages, from a worker that knows nothing of it afterwards."""
    worker = await make_worker(limits=FREE)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await say(ana, count)


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
async def test_join_after_deleted_rows_gets_the_newest_and_is_told(
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
    # The topic goes on, and positions after the gap are whole.
    await say(ana, 2)
    await ana.has(2)
    assert seqs(ana) == [LAST + 1, LAST + 2]
    joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": LAST})
    assert (joined["complete"], positions(joined)) == (True, [LAST + 1, LAST + 2])
    assert positions(await worker.connect(BRUNO).ok("class:7", "phx_join"))[-2:] == [LAST + 1, LAST + 2]


async def test_rows_deleted_under_a_loaded_topic_end_a_join(make_worker: MakeWorker, database: AsyncEngine) -> None:
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


async def test_joins_after_deleted_rows_are_answered_from_memory(
    make_worker: MakeWorker, database: AsyncEngine
) -> None:
    await spoken(make_worker, 20)
    await delete(database, "seq <= 10")
    worker = await make_worker(limits=FREE)
    await worker.connect(ANA).ok("class:7", "phx_join")
    with statements(database) as seen:
        joined = await worker.connect(BRUNO).ok("class:7", "phx_join")
        assert positions(joined) == list(range(11, 21))
        joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": 3})
        assert (joined["complete"], positions(joined)) == (False, list(range(11, 21)))
    assert seen == []


@pytest.mark.parametrize(("deleted", "rest"), [("seq IN (2, 3)", [4, 5]), ("seq IN (4, 5)", []), ("seq > 1", [])])
async def test_clients_come_back_where_the_journal_lacks_what_they_lack(
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
    # Nothing that came after the gap was sent without a word of it.
    assert seqs(bruno) == list(range(1, len(seqs(bruno)) + 1))
    back = two.connect(BRUNO)
    joined = await back.ok("class:7", "phx_join", {"since": 1})
    assert (joined["complete"], joined["seq"], positions(joined)) == (False, 5, rest)
    lossy = False
    await say(ana, 1)
    await back.has(1)
    assert seqs(back) == [6]


async def test_an_event_that_is_not_stored_is_given_up(make_worker: MakeWorker, database: AsyncEngine) -> None:
    bus = MemoryBus()
    one, two = await make_worker(bus), await make_worker(bus)
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


async def test_a_check_costs_one_query_however_many_topics_are_idle(
    make_worker: MakeWorker, database: AsyncEngine
) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus), await make_worker(bus)
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
    assert len(seen) == 1
    await say(ana, 3)
    assert seqs(bruno) == []
    with statements(database) as seen:
        await hub.check()
    await bruno.has(3)
    assert (len(seen), seqs(bruno)) == (2, [1, 2, 3])


async def test_what_moves_while_a_topic_is_loaded_is_not_missed(
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


async def test_a_check_that_fails_halfway_misses_nothing(
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
