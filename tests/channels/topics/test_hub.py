"""Order, holes and fan-out over several workers, on a bus that loses what a test tells it to."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.broker import Envelope
from channels.broker.memory import MemoryBroker, MemoryBus
from channels.errors import JournalUnavailable
from channels.journal.entry import Entry, Group, Mark, Snapshot, Stored
from channels.lesson import chat
from channels.lesson.state import TopicState
from channels.limit import MAX_MISSED_EVENTS, NEWEST_EVENTS, RECENT_EVENTS, TOPIC_LINGER_SECONDS, Limits
from channels.wire.codec import Event, stamped
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Client, Worker, unframed, writer_for

MakeWorker = Callable[..., Awaitable[Worker]]
FREE = Limits(push_rate=0)
MESSAGE = chat.SENT.encode(chat.MessageSent("oi", ANA.user))


def seqs(client: Client) -> list[int]:
    return [message["seq"] for message in client.got("message:sent")]


async def say(client: Client, count: int, start: int = 1) -> None:
    for number in range(start, start + count):
        await client.ok("class:7", "message:send", {"text": str(number)})


async def test_every_worker_delivers_each_event_once_and_in_order(make_worker: MakeWorker) -> None:
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


async def test_what_the_broker_loses_is_read_from_the_journal_when_the_next_event_shows_the_hole(
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


async def test_the_state_of_a_topic_is_the_same_on_every_worker(make_worker: MakeWorker) -> None:
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


async def test_what_is_lost_last_is_found_by_asking_the_journal(make_worker: MakeWorker) -> None:
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


async def test_a_broker_that_is_lost_has_the_journal_asked_at_once(
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
    await bruno.has(3)


@pytest.mark.parametrize("seed", range(3))
async def test_a_bus_that_loses_repeats_and_reorders_changes_nothing(make_worker: MakeWorker, seed: int) -> None:
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


async def test_joining_while_others_speak_leaves_no_gap_and_no_repeat(make_worker: MakeWorker) -> None:
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


async def test_more_missed_than_memory_holds_is_read_from_the_journal(make_worker: MakeWorker) -> None:
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


async def test_too_much_missed_is_told_plainly_with_the_newest(make_worker: MakeWorker) -> None:
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


async def test_who_has_seen_more_than_this_worker_was_told_is_believed_once_the_journal_confirms_it(
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


async def test_too_many_bytes_missed_are_told_plainly_too(make_worker: MakeWorker) -> None:
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


async def test_a_topic_that_nobody_has_open_is_forgotten_and_comes_back_whole(make_worker: MakeWorker) -> None:
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


class BrokenWriter:
    """A database that is away while `broken`, and whose answers get lost while `mute`."""

    def __init__(self, database: AsyncEngine) -> None:
        self.broken = self.mute = False
        self._writer = writer_for(database)

    async def commit(
        self, groups: Sequence[Group], marks: Sequence[Mark] = (), snapshots: Sequence[Snapshot] = ()
    ) -> list[Stored]:
        if self.broken:
            raise JournalUnavailable("away")
        stored = await self._writer.commit(groups, marks, snapshots)
        if self.mute:
            raise JournalUnavailable("the connection broke")
        return stored

    async def close(self) -> None:
        await self._writer.close()


async def test_with_the_journal_away_pushes_fail_and_connections_stay(
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


async def test_a_commit_whose_answer_was_lost_is_delivered_once_and_a_retry_finds_it(
    make_worker: MakeWorker, database: AsyncEngine
) -> None:
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


async def test_an_outage_is_asked_about_by_one_task_however_many_pushes_fail(
    make_worker: MakeWorker, database: AsyncEngine
) -> None:
    writer = BrokenWriter(database)
    worker = await make_worker(limits=FREE, writer=writer)
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    writer.broken = True
    for _ in range(100):
        assert await ana.refused("class:7", "message:send", {"text": "x"}) == "unavailable"
    assert [task.get_coro().__name__ for task in asyncio.all_tasks()].count("_check_until_done") <= 1  # type: ignore[union-attr]


async def test_a_retry_on_a_worker_that_was_not_told_brings_it_there(make_worker: MakeWorker) -> None:
    bus = MemoryBus(lose=lambda envelope: envelope.seq == 1)
    one, two = await make_worker(bus), await make_worker(bus)
    ana, moved = one.connect(ANA), two.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await moved.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "x", "id": "1"})
    assert (await moved.ok("class:7", "message:send", {"text": "x", "id": "1"}))["seq"] == 1
    await moved.has(1)
    assert seqs(moved) == [1]


async def test_who_is_added_within_a_turn_gets_nothing_of_it_twice(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    hub = worker.engine._hub
    topic = hub.topics["class:7"]
    entry = Entry("class:7", "message:sent", MESSAGE, 1, None, 1)
    hub.committed([(entry, Event(1, "message:sent", stamped(MESSAGE, 1, 1)))])
    hub.fan_out.add(topic, bruno.session)  # whose join reply, made of the topic as it is, has the event
    hub.fan_out.flush()
    assert seqs(ana) == [1]
    assert seqs(bruno) == []
    hub.fan_out.remove(topic, bruno.session)


async def test_what_comes_while_a_topic_is_being_loaded_is_delivered_after(
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


async def test_a_topic_that_could_not_be_loaded_can_be_joined_later(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise JournalUnavailable("away")

    monkeypatch.setattr(worker.engine._hub._heads, "read", away)
    ana = worker.connect(ANA)
    assert await ana.refused("class:7", "phx_join") == "unavailable"
    monkeypatch.undo()
    assert (await ana.ok("class:7", "phx_join"))["seq"] == 0


async def test_a_hole_that_cannot_be_read_is_tried_again(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
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


async def test_what_the_journal_has_beyond_this_worker_comes_live_and_not_twice(make_worker: MakeWorker) -> None:
    deaf = False
    bus = MemoryBus(lose=lambda envelope: deaf)
    one, two = await make_worker(bus, FREE), await make_worker(bus, FREE)
    ana, bruno = one.connect(ANA), two.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    for _ in range(RECENT_EVENTS + 50):
        await ana.send("class:7", "message:send", {"text": "x"})
        while ana.session.appending > 100:
            await asyncio.sleep(0.001)
    await bruno.has(RECENT_EVENTS + 50)
    deaf = True
    await say(ana, 5)
    late = two.connect(PAULA)
    joined = await late.ok("class:7", "phx_join", {"since": 0})
    had = [event["payload"]["seq"] for event in joined["events"]]
    await two.engine._hub.check()
    await late.has(RECENT_EVENTS + 55 - len(had))
    assert had + seqs(late) == list(range(1, RECENT_EVENTS + 56))


async def test_a_topic_that_is_held_is_not_forgotten(worker: Worker) -> None:
    hub = worker.engine._hub
    async with hub.holding("class:7"):
        for now in (0.0, TOPIC_LINGER_SECONDS + 1, 2 * TOPIC_LINGER_SECONDS + 2):
            hub.forget_idle(now)
        assert "class:7" in hub.topics
    worker.engine._sweep()
    worker.clock.now += TOPIC_LINGER_SECONDS + 1
    worker.engine._sweep()
    assert "class:7" not in hub.topics


async def test_all_that_a_client_gets_in_one_turn_is_one_write_in_order(make_worker: MakeWorker) -> None:
    worker = await make_worker(limits=FREE)
    ana, bruno, diretora = worker.connect(ANA), worker.connect(BRUNO), worker.connect(DIRETORA)
    for client, topics in ((ana, [7, 9]), (bruno, [7]), (diretora, [7, 8, 9])):
        for number in topics:
            await client.ok(f"class:{number}", "phx_join")
    await asyncio.sleep(0.01)  # presence has been told
    before = [client.writes for client in (ana, bruno, diretora)]
    hub = worker.engine._hub
    for seq in (1, 2):
        for number in (7, 8, 9):
            event = Event(seq, "message:sent", stamped(MESSAGE, seq, 1))
            hub.committed([(Entry(f"class:{number}", "message:sent", b"{}", 1, None, 1), event)])
    await ana.send("phoenix", "heartbeat", {}, ref="h")
    await diretora.has(6)
    assert [client.writes - count for client, count in zip((ana, bruno, diretora), before, strict=True)] == [1, 1, 1]
    sent = [(frame[2], frame[4]["seq"]) for frame in diretora.frames if frame[3] == "message:sent"]
    assert sent == [(f"class:{number}", seq) for number in (7, 8, 9) for seq in (1, 2)]
    assert [frame[2] for frame in ana.frames[-5:]] == ["phoenix", "class:7", "class:7", "class:9", "class:9"]


async def two_in_class(make_worker: MakeWorker) -> tuple[Worker, Client, Client]:
    worker = await make_worker(limits=FREE)
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    await asyncio.sleep(0.01)  # presence has been told
    return worker, ana, bruno


@pytest.mark.parametrize(("from_others", "writes"), [(True, 2), (False, 3)])
async def test_in_a_storm_what_other_workers_tell_goes_with_the_same_write(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, from_others: bool, writes: int
) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await asyncio.sleep(0.01)  # presence has been told
    hub, before = worker.engine._hub, ana.writes

    def tell(*seqs: int) -> None:
        for seq in seqs:
            event = Event(seq, "message:sent", stamped(MESSAGE, seq, 1))
            if from_others:
                worker.engine._bus.received([Envelope("class:7", event.event, event.payload, seq)])
            else:
                hub.committed([(Entry("class:7", event.event, MESSAGE, 1, None, 1), event)])

    tell(1, 2)
    await ana.has(2)
    assert (hub.fan_out._linger > 0) == from_others
    if from_others:
        hub.fan_out._linger = 0.05  # as if writing had taken so long
    for seq in (3, 4):
        tell(seq)
        await asyncio.sleep(0)
    await ana.has(4)
    assert seqs(ana) == [1, 2, 3, 4]
    assert ana.writes - before == writes


async def test_of_a_large_class_some_are_written_to_in_each_turn_and_all_get_all_once_and_in_order(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = worker.engine._hub
    hub.fan_out._max_writes = 2
    clients = [worker.connect(ANA) for _ in range(7)]
    for client in clients:
        await client.ok("class:7", "phx_join", {"present": False})
    topic = hub.topics["class:7"]
    hub.fan_out.flush()

    def tell(seq: int) -> None:
        event = Event(seq, "message:sent", stamped(MESSAGE, seq, 1))
        hub.committed([(Entry("class:7", event.event, MESSAGE, 1, None, 1), event)])
        hub.fan_out.flush()

    def heard() -> list[int]:
        return [len(seqs(client)) for client in clients]

    tell(1)
    assert heard() == [1, 1, 0, 0, 0, 0, 0]
    tell(2)  # waits until all have the first
    assert heard() == [1, 1, 1, 1, 0, 0, 0]
    # Whoever comes now, or comes back, is told of both by the reply to the join.
    late = worker.connect(ANA)
    hub.fan_out.remove(topic, clients[6].session)
    for client in (late, clients[6]):
        hub.fan_out.add(topic, client.session)
    for _ in range(4):
        hub.fan_out.flush()
    assert heard() == [2, 2, 2, 2, 2, 2, 0]
    assert seqs(late) == []
    tell(3)
    hub.fan_out.broadcast(topic, "presence_diff", b'{"joins":{},"leaves":{}}')  # in order with the rest
    hub.fan_out.flush()
    for client in clients[:6]:
        assert seqs(client) == [1, 2, 3]
        assert client.frames[-1][3] == "presence_diff"
    assert seqs(late) == seqs(clients[6]) == [3]


async def test_who_comes_into_a_large_class_leaves_nobody_with_half_a_frame(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, ana, bruno = await two_in_class(make_worker)
    hub = worker.engine._hub
    hub.fan_out._max_writes = 1
    topic = hub.topics["class:7"]
    got: list[bytes] = []

    class Socket:
        def send(self, data: bytes) -> int:
            got.append(data)
            return 1

    bruno.session.go_straight(Socket())
    for seq in (1, 2):  # the second waits until both have the first
        event = Event(seq, "message:sent", stamped(MESSAGE, seq, 1))
        hub.committed([(Entry("class:7", event.event, MESSAGE, 1, None, 1), event)])
        if seq == 1:
            hub.fan_out.flush()
    assert (seqs(ana), got) == ([1], [])
    late = worker.connect(DIRETORA)
    hub.fan_out.add(topic, late.session)
    # A word of the connection's own may go out before the turn's end.
    assert got == []
    hub.fan_out.flush()
    assert seqs(ana) == seqs(bruno) == [1, 2]
    hub.fan_out.remove(topic, late.session)


async def test_a_transport_that_raises_costs_the_others_nothing(
    make_worker: MakeWorker, caplog: pytest.LogCaptureFixture
) -> None:
    _, ana, bruno = await two_in_class(make_worker)
    ana.session.go_straight(None)
    ana.flush = lambda: 1 / 0  # type: ignore[method-assign, assignment]
    await bruno.ok("class:7", "message:send", {"text": "x"})
    assert seqs(bruno) == [1]
    assert "a client could not be written to" in caplog.text


async def test_who_speaks_otherwise_from_some_message_on_is_answered_so_and_misses_nothing(
    make_worker: MakeWorker,
) -> None:
    worker, ana, bruno = await two_in_class(make_worker)
    await bruno.ok("class:7", "message:send", {"text": "a"})
    got: list[bytes] = []
    ana.receive = got.append  # type: ignore[method-assign, assignment]
    heartbeat = {"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "h"}
    assert worker.engine.handle(ana.session, json.dumps(heartbeat)) is None
    for text in ("b", "c"):
        await bruno.ok("class:7", "message:send", {"text": text})
    objects = [json.loads(body) for body in unframed(b"".join(got))]
    assert [each["payload"].get("text") for each in objects] == [None, "b", "c"]
    assert seqs(bruno) == [1, 2, 3]


@pytest.mark.parametrize("taken", [None, 0, 10])
async def test_what_a_socket_does_not_take_at_once_goes_by_the_outbox_before_anything_else(
    make_worker: MakeWorker, taken: int | None
) -> None:
    _, ana, bruno = await two_in_class(make_worker)
    got: list[bytes] = []

    class Socket:
        def send(self, data: bytes) -> int:
            if taken is None:
                raise BlockingIOError
            got.append(data[:taken])
            return taken

    def flush() -> None:
        got.append(ana.session.take())

    ana.session.go_straight(Socket())
    ana.flush = flush  # type: ignore[method-assign]
    for text in ("a", "b"):
        await bruno.ok("class:7", "message:send", {"text": text})
    assert [json.loads(body)[4]["text"] for body in unframed(b"".join(got))] == ["a", "b"]


async def test_many_topics_that_are_new_here_are_looked_up_together_and_the_empty_ones_read_no_further(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
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


async def test_who_comes_back_is_answered_without_the_journal(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await say(ana, 3)
    await ana.ok("class:7", "read:mark", {"seq": 2})

    async def away(*_: object) -> None:
        raise JournalUnavailable("away")

    monkeypatch.setattr(worker.journal, "_fetch", away)
    joined = await worker.connect(ANA).ok("class:7", "phx_join", {"since": 1})
    assert [event["payload"]["seq"] for event in joined["events"]] == [2, 3]
    assert joined["complete"] is True
    assert joined["read"] == 2
    assert (await worker.connect(BRUNO).ok("class:7", "phx_join"))["read"] == 0


async def test_how_far_one_has_read_is_known_on_every_worker(make_worker: MakeWorker) -> None:
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


async def test_a_fold_that_fails_costs_no_event(
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
