"""The order of events over several workers, loading and dropping topics, and the reply to a join."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.broker import Envelope
from channels.broker.memory import MemoryBus
from channels.errors import JournalUnavailable
from channels.lesson.state import TopicState
from channels.limit import MAX_MISSED_EVENTS, NEWEST_EVENTS, RECENT_EVENTS, TOPIC_LINGER_SECONDS
from channels.wire.codec import Event, stamped
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Client, Worker
from tests.channels.topics.support import FREE, MESSAGE, BrokenWriter, MakeWorker, seqs


async def say(client: Client, count: int, start: int = 1) -> None:
    for number in range(start, start + count):
        await client.ok("class:7", "message:send", {"text": str(number)})


async def test_every_worker_delivers_each_event_once_in_order(make_worker: MakeWorker) -> None:
    bus = MemoryBus()
    one, two = await make_worker(bus), await make_worker(bus)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    for number in range(10):
        await (ana if number % 3 else bruno).ok("class:7", "message:send", {"text": str(number)})
    for client in (ana, bruno):
        await client.has(10)
        assert seqs(client) == list(range(1, 11))


async def test_topic_state_is_the_same_on_every_worker(make_worker: MakeWorker) -> None:
    bus = MemoryBus(lose=lambda envelope: envelope.seq in (2, 5))
    one, two = await make_worker(bus), await make_worker(bus)
    paula, elsewhere = one.connect(PAULA), two.connect(PAULA)
    for client in (paula, elsewhere):
        await client.ok("class:7", "phx_join")
    for number in range(1, 7):
        await paula.ok("class:7", "announcement:send", {"text": str(number)})
    await elsewhere.has(6, "announcement:sent")
    states = [(await worker.connect(ANA).ok("class:7", "phx_join"))["state"] for worker in (one, two)]
    assert states[0] == states[1]
    assert [each["payload"]["seq"] for each in states[0]["announcements"]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("seed", range(3))
async def test_lossy_duplicating_and_reordering_bus_keeps_delivery_exact(make_worker: MakeWorker, seed: int) -> None:
    chance = random.Random(seed)
    bus = MemoryBus(lose=lambda envelope: chance.random() < 0.3)
    workers = [await make_worker(bus, FREE) for _ in range(3)]
    clients = [worker.connect(who) for worker, who in zip(workers, (ANA, BRUNO, PAULA), strict=True)]
    for client in clients:
        await client.ok("class:7", "phx_join")

    def jumble(worker: Worker) -> None:
        deliver = worker.engine._bus.received

        def deliver_jumbled(batch: Sequence[Envelope]) -> None:
            jumbled = [*batch, *chance.sample(batch, len(batch) // 2)]
            chance.shuffle(jumbled)
            deliver(jumbled)

        worker.engine._bus.received = deliver_jumbled  # type: ignore[method-assign]

    for worker in workers:
        jumble(worker)
    for _ in range(60):
        await asyncio.gather(*(client.ok("class:7", "message:send", {"text": "x"}) for client in clients))
        if chance.random() < 0.1:
            await asyncio.sleep(0.005)
    for worker in workers:
        await worker.engine._hub.check()
    for client in clients:
        await client.has(180)
        assert seqs(client) == list(range(1, 181))


async def test_join_during_messages_has_no_gap_or_duplicate(make_worker: MakeWorker) -> None:
    worker = await make_worker(limits=FREE)
    talker = worker.connect(ANA)
    await talker.ok("class:7", "phx_join")
    talking = asyncio.create_task(say(talker, 200))
    for _ in range(20):
        await asyncio.sleep(0.005)
        late = worker.connect(BRUNO)
        joined = await late.ok("class:7", "phx_join", {"since": 0})
        had = [event["payload"]["seq"] for event in joined["events"]]
        await talker.ok("class:7", "message:send", {"text": "after"})
        await late.has(1)
        assert had + seqs(late) == list(range(1, len(had) + len(seqs(late)) + 1))
        late.gone()
    await talking


async def test_missed_events_beyond_memory_are_read_from_the_journal(make_worker: MakeWorker) -> None:
    worker = await make_worker(limits=FREE)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for _ in range(RECENT_EVENTS + 100):
        await ana.send("class:7", "message:send", {"text": "x"})
        if worker.engine._journal._commits._committing is None:
            await asyncio.sleep(0)
        while ana.session.appending > 100:
            await asyncio.sleep(0.001)
    await ana.has(RECENT_EVENTS + 100)
    joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": 10})
    assert joined["complete"] is True
    assert [event["payload"]["seq"] for event in joined["events"]] == list(range(11, RECENT_EVENTS + 101))


async def test_position_beyond_the_end_is_incomplete_and_logged_once(
    make_worker: MakeWorker, caplog: pytest.LogCaptureFixture
) -> None:
    worker = await make_worker()
    await say_one(worker)
    for since in (7, 8):
        joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": since})
        assert (joined["complete"], len(joined["events"])) == (False, 1)
    assert [record.message for record in caplog.records] == [
        "A client has position 7 of class:7, which ends at 1: a restored journal needs a new epoch "
        "(docs/operations.md, Backup and restore)"
    ]


async def say_one(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await say(ana, 1)


async def test_too_many_missed_events_reply_with_the_newest_as_incomplete(make_worker: MakeWorker) -> None:
    worker = await make_worker(limits=FREE)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    last = MAX_MISSED_EVENTS + 50
    for _ in range(last):
        await ana.send("class:7", "message:send", {"text": "x"})
        while ana.session.appending > 200:
            await asyncio.sleep(0.001)
    await ana.has(last)
    joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": 5})
    assert joined["complete"] is False
    assert [event["payload"]["seq"] for event in joined["events"]] == list(range(last - NEWEST_EVENTS + 1, last + 1))


async def test_too_many_missed_bytes_reply_with_the_newest_as_incomplete(make_worker: MakeWorker) -> None:
    worker = await make_worker(limits=FREE)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for _ in range(140):
        await ana.ok("class:7", "message:send", {"text": "x" * 4000})
    joined = await worker.connect(BRUNO).ok("class:7", "phx_join", {"since": 0})
    assert joined["complete"] is False
    assert len(joined["events"]) == NEWEST_EVENTS
    hub = worker.engine._hub
    assert hub.topics["class:7"].recent_bytes <= 256 * 1024


async def test_idle_topic_is_dropped_and_loaded_again(make_worker: MakeWorker) -> None:
    worker = await make_worker()
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await say(ana, 3)
    hub = worker.engine._hub
    ana.gone()
    for seconds in (0.0, TOPIC_LINGER_SECONDS, TOPIC_LINGER_SECONDS + 1):
        assert "class:7" in hub.topics
        hub.forget_idle(100.0 + seconds)
    assert "class:7" not in hub.topics
    back = worker.connect(ANA)
    assert (await back.ok("class:7", "phx_join", {"since": 1}))["seq"] == 3


async def test_unavailable_journal_fails_pushes_but_keeps_connections(
    make_worker: MakeWorker, database: AsyncEngine
) -> None:
    writer = BrokenWriter(database)
    worker = await make_worker(writer=writer)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    writer.broken = True
    reply: Any = await ana.ask("class:7", "message:send", {"text": "x", "id": "1"})
    assert (reply["response"]["code"], reply["response"]["retry_after"]) == ("unavailable", 2000)
    assert ana.closed_with is None
    writer.broken = False
    assert (await ana.ok("class:7", "message:send", {"text": "x", "id": "1"}))["seq"] == 1
    assert seqs(ana) == [1]


async def test_events_received_while_loading_are_delivered_afterwards(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = worker.engine._hub

    async def slow(name: str) -> int:
        worker.engine._bus.received([Envelope(name, "message:sent", stamped(MESSAGE, 1, 1), 1)])
        return 0

    monkeypatch.setattr(hub._heads, "read", slow)
    ana = worker.connect(ANA)
    joined = await ana.ok("class:7", "phx_join")
    assert [event["payload"]["seq"] for event in joined["events"]] == [1]


async def test_topic_that_failed_to_load_can_be_joined_later(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise JournalUnavailable("away")

    monkeypatch.setattr(worker.engine._hub._heads, "read", away)
    ana = worker.connect(ANA)
    assert await ana.refused("class:7", "phx_join") == "unavailable"
    monkeypatch.undo()
    assert (await ana.ok("class:7", "phx_join"))["seq"] == 0


async def test_held_topic_is_not_dropped(worker: Worker) -> None:
    hub = worker.engine._hub
    async with hub.holding("class:7"):
        for now in (0.0, TOPIC_LINGER_SECONDS + 1, 2 * TOPIC_LINGER_SECONDS + 2):
            hub.forget_idle(now)
        assert "class:7" in hub.topics
    worker.engine._sweep()
    worker.clock.now += TOPIC_LINGER_SECONDS + 1
    worker.engine._sweep()
    assert "class:7" not in hub.topics


async def test_topic_in_use_is_looked_at_again_once_somebody_leaves(worker: Worker) -> None:
    hub = worker.engine._hub
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    topic = hub.topics["class:7"]
    hub.forget_idle(0.0)
    assert topic not in hub.fan_out.left
    await ana.ok("class:7", "phx_leave")
    for now in (1.0, 2 * TOPIC_LINGER_SECONDS):
        hub.forget_idle(now)
    assert "class:7" in hub.topics
    await bruno.ok("class:7", "phx_leave")
    for now in (100.0, 101.0 + TOPIC_LINGER_SECONDS):
        hub.forget_idle(now)
    assert "class:7" not in hub.topics
    assert topic not in hub.fan_out.left


async def test_new_topics_are_looked_up_in_one_batch(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    look_up = worker.engine._hub._heads._read_many

    async def counted(names: list[str]) -> Mapping[str, int]:
        asked.append(names)
        return await look_up(names)

    async def not_wanted(*_: object) -> list[Event]:
        raise AssertionError("an empty topic was read")

    monkeypatch.setattr(worker.engine._hub._heads, "_read_many", counted)
    for name in ("before", "after", "marks"):
        monkeypatch.setattr(worker.journal, name, not_wanted)
    clients = [worker.connect(who) for who in (ANA, BRUNO, PAULA, DIRETORA)]
    await asyncio.gather(*(client.ok("user:me", "phx_join") for client in clients))
    assert [sorted(names) for names in asked] == [["user:1", "user:2", "user:3", "user:4"]]


async def test_rejoin_is_served_from_memory(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await say(ana, 3)
    await ana.ok("class:7", "read:mark", {"seq": 2})

    async def away(*_: object) -> None:
        raise JournalUnavailable("away")

    monkeypatch.setattr(worker.journal._reader, "fetch", away)
    joined = await worker.connect(ANA).ok("class:7", "phx_join", {"since": 1})
    assert [event["payload"]["seq"] for event in joined["events"]] == [2, 3]
    assert joined["complete"] is True
    assert joined["read"] == 2
    assert (await worker.connect(BRUNO).ok("class:7", "phx_join"))["read"] == 0


async def test_read_positions_reach_every_worker(make_worker: MakeWorker) -> None:
    bus = MemoryBus()
    one, two = await make_worker(bus), await make_worker(bus)
    ana, elsewhere, bruno = one.connect(ANA), two.connect(ANA), two.connect(BRUNO)
    for client in (ana, elsewhere, bruno):
        await client.ok("class:7", "phx_join")
    await say(ana, 3)
    await ana.ok("class:7", "read:mark", {"seq": 3})
    two.engine._bus.received([Envelope("reads", "", b"of another version")])
    async with asyncio.timeout(10):
        while (await elsewhere.ok("class:7", "phx_join"))["read"] != 3:
            await asyncio.sleep(0.001)
    assert (await bruno.ok("class:7", "phx_join"))["read"] == 0


async def test_events_are_delivered_when_folding_fails(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")

    def broken(state: TopicState, event: Event) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(TopicState, "apply", broken)
    await say(ana, 2)
    await ana.has(2)
    assert seqs(ana) == [1, 2]
    assert "class:7: event 1 could not be folded" in caplog.text
