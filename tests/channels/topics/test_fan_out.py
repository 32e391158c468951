"""Sessions and other workers receive each message once, in order, in few writes, at the end of a turn."""

import asyncio
import json
from collections.abc import Collection, Sequence

import pytest

from channels.broker.broker import Envelope
from channels.broker.memory import MemoryBroker, MemoryBus
from channels.errors import TOO_SLOW
from channels.lesson import chat
from channels.lesson.state import TopicState
from channels.limit import Limits
from channels.sessions.session import Session, Subscription
from channels.topics.fan_out import FanOut
from channels.topics.kind import parse_name
from channels.topics.topic import Topic
from channels.wire.codec import JSON, JSON_OBJECTS, Event, stamped
from tests.channels.support import ANA, unframed

MESSAGE = chat.SENT.encode(chat.MessageSent("oi", ANA.user))


class Reader:
    """A session with its transport and its socket; records each write."""

    def __init__(self, place: "Place", *topics: str) -> None:
        self.session = Session(ANA, JSON, Limits(), 0.0, place.fan_out)
        self.session.transport = self
        self.written: list[bytes] = []
        self.takes: int | None = None  # bytes that the socket accepts per write; None: all
        self.session.go_straight(self)
        for name in topics:
            self.session.subscriptions[name] = Subscription(name, "1")
            place.fan_out.add(place.topics[name], self.session)

    def send(self, data: bytes) -> int:
        if self.takes == 0:
            raise BlockingIOError
        self.written.append(data[: self.takes])
        return len(self.written[-1])

    def flush(self) -> None:
        data = self.session.take()
        if data:
            self.written.append(data)

    @property
    def messages(self) -> list[tuple[str, str, int | None]]:
        """Topic, event and position of each message written."""
        frames = [json.loads(body) for body in unframed(b"".join(self.written))]
        return [(frame[2], frame[3], frame[4].get("seq")) for frame in frames]

    @property
    def seqs(self) -> list[int | None]:
        return [seq for _, event, seq in self.messages if event == "message:sent"]


class Place:
    """A fan-out with its topics, and no hub."""

    def __init__(
        self,
        *names: str,
        max_writes: int = 2_000,
        part_writes: int = 400,
        rest_seconds: float = 0.0,
        bus: MemoryBus | None = None,
    ) -> None:
        self.topics = {name: Topic(parse_name(name), TopicState(())) for name in names}
        self.broker = MemoryBroker(bus)
        limits = {"max_writes": max_writes, "part_writes": part_writes}
        self.fan_out = FanOut(self.topics, self.broker, **limits, rest_seconds=rest_seconds)
        self.turns = 0
        self.envelopes: list[Envelope] = []
        self.broker.start(self)
        self.fan_out.start(self)

    def turn_ending(self) -> None:
        self.turns += 1

    def deliver(self, name: str, *seqs: int) -> None:
        for seq in seqs:
            self.fan_out.deliver(self.topics[name], Event(seq, "message:sent", stamped(MESSAGE, seq, 1)))

    def resubscribed(self, topics: Collection[str]) -> None:
        pass

    def no_subscribers(self, topic: str) -> None:
        pass

    def doubted(self) -> None:
        pass

    def received(self, batch: Sequence[Envelope]) -> None:
        self.envelopes += batch


async def turn() -> None:
    """Wait until the messages of this turn have been flushed."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_session_receives_all_messages_of_a_turn_in_one_write() -> None:
    place = Place("class:7", "class:8", "class:9")
    ana, bruno = Reader(place, "class:7", "class:9"), Reader(place, "class:7")
    diretora = Reader(place, "class:7", "class:8", "class:9")
    for seq in (1, 2):
        for name in place.topics:
            place.deliver(name, seq)
    ana.session.offer(JSON.broadcast("phoenix", "own", b"{}"))
    await turn()
    assert [len(each.written) for each in (ana, bruno, diretora)] == [1, 1, 1]
    assert diretora.messages == [(name, "message:sent", seq) for name in place.topics for seq in (1, 2)]
    assert [topic for topic, _, _ in ana.messages] == ["phoenix", "class:7", "class:7", "class:9", "class:9"]
    assert place.turns == 1


async def test_session_added_mid_turn_skips_the_events_of_that_turn() -> None:
    place = Place("class:7")
    ana = Reader(place, "class:7")
    place.deliver("class:7", 1)
    late = Reader(place, "class:7")  # the reply to its join has the event
    await turn()
    place.deliver("class:7", 2)
    await turn()
    assert (ana.seqs, late.seqs) == ([1, 2], [2])


async def test_failing_listener_does_not_stop_the_flush(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Place):
        def turn_ending(self) -> None:
            raise RuntimeError("a defect")

    bus = MemoryBus()
    place, other = Failing("class:7", bus=bus), Place("class:7", bus=bus)
    other.broker.subscribe("class:7")
    ana = Reader(place, "class:7")
    place.deliver("class:7", 1)
    place.fan_out.publish(Envelope("class:7", "message:sent", MESSAGE, 1))
    ana.session.offer(JSON.broadcast("class:7", "own", b"{}"))
    await turn()
    assert [event for _, event, _ in ana.messages] == ["own", "message:sent"]
    assert [envelope.seq for envelope in other.envelopes] == [1]
    assert "the end of a turn" in caplog.text


async def test_failing_broker_does_not_stop_the_flush(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place("class:7")
    ana = Reader(place, "class:7")
    place.fan_out.publish(Envelope("class:7", "message:sent", MESSAGE, 1))

    def broken(batch: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(place.broker, "publish", broken)
    place.deliver("class:7", 1)
    place.fan_out.flush()
    await turn()
    assert ana.seqs == [1]
    assert "could not be published" in caplog.text


@pytest.mark.parametrize("from_others", [True, False])
async def test_remote_events_under_load_share_one_write(from_others: bool) -> None:
    place = Place("class:7")
    ana = Reader(place, "class:7")

    def deliver(*seqs: int) -> None:
        if from_others:
            place.fan_out.note_remote_event()
        place.deliver("class:7", *seqs)

    deliver(1, 2)
    await turn()
    assert (place.fan_out._linger > 0) == from_others
    if from_others:
        place.fan_out._linger = 0.05  # as if writing had taken so long
    for seq in (3, 4):
        deliver(seq)
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while len(ana.seqs) < 4:
            await asyncio.sleep(0.001)
    assert ana.seqs == [1, 2, 3, 4]
    assert len(ana.written) == (2 if from_others else 3)


async def test_only_topics_of_more_than_is_written_at_once_are_divided() -> None:
    place = Place("class:7", "class:8", max_writes=3, part_writes=1)
    three = [Reader(place, "class:7") for _ in range(3)]
    four = [Reader(place, "class:8") for _ in range(4)]
    place.deliver("class:7", 1)
    place.deliver("class:8", 1)
    place.fan_out.flush()
    assert [len(reader.seqs) for reader in three] == [1, 1, 1]
    assert [len(reader.seqs) for reader in four] == [1, 0, 0, 0]
    place.deliver("class:7", 2)  # waits for no part
    place.fan_out.flush()
    assert [len(reader.seqs) for reader in three] == [2, 2, 2]
    assert [len(reader.seqs) for reader in four] == [1, 1, 0, 0]
    place.fan_out.close()


async def test_large_topic_is_flushed_in_parts() -> None:
    place = Place("class:7", max_writes=2, part_writes=2)
    readers = [Reader(place, "class:7") for _ in range(7)]
    topic = place.topics["class:7"]

    def counts() -> list[int]:
        return [len(reader.seqs) for reader in readers]

    place.deliver("class:7", 1)
    place.fan_out.flush()
    assert counts() == [1, 1, 0, 0, 0, 0, 0]
    place.deliver("class:7", 2)
    place.fan_out.flush()  # the second waits until all have the first
    assert counts() == [1, 1, 1, 1, 0, 0, 0]
    # Sessions that join now, or join again, get both by the reply to the join.
    place.fan_out.remove(topic, readers[6].session)
    late = Reader(place, "class:7")
    place.fan_out.add(topic, readers[6].session)
    for _ in range(4):
        place.fan_out.flush()
    assert counts() == [2, 2, 2, 2, 2, 2, 0]
    assert late.seqs == []
    place.deliver("class:7", 3)
    place.fan_out.broadcast(topic, "presence_diff", b'{"joins":{},"leaves":{}}')  # in order with the rest
    place.fan_out.flush()
    for reader in readers[:6]:
        assert reader.seqs == [1, 2, 3]
        assert reader.messages[-1][1] == "presence_diff"
    assert late.seqs == readers[6].seqs == [3]


async def test_large_topic_rests_between_two_parts() -> None:
    place = Place("class:7", "class:8", max_writes=2, part_writes=1, rest_seconds=3_600)
    three, other = [Reader(place, "class:7") for _ in range(3)], Reader(place, "class:8")
    place.deliver("class:7", 1)
    for _ in range(10):
        await turn()
    assert [len(reader.seqs) for reader in three] == [1, 0, 0]
    place.deliver("class:8", 1)
    await turn()
    assert other.seqs == [1]
    assert [len(reader.seqs) for reader in three] == [1, 0, 0]
    place.fan_out.close()
    assert [len(reader.seqs) for reader in three] == [1, 1, 1]


async def test_large_topic_goes_on_after_a_rest() -> None:
    place = Place("class:7", max_writes=1, part_writes=1, rest_seconds=0.001)
    three = [Reader(place, "class:7") for _ in range(3)]
    place.deliver("class:7", 1)
    await turn()
    place.deliver("class:7", 2)
    async with asyncio.timeout(10):
        while any(reader.seqs != [1, 2] for reader in three):
            await asyncio.sleep(0.001)
    place.fan_out.close()


async def test_join_of_a_large_topic_never_splits_a_frame() -> None:
    place = Place("class:7", max_writes=1, part_writes=1)
    ana, bruno = Reader(place, "class:7"), Reader(place, "class:7")
    bruno.takes = 1
    place.deliver("class:7", 1)
    place.fan_out.flush()
    place.deliver("class:7", 2)  # waits until both have the first
    assert (ana.seqs, bruno.written) == ([1], [])
    Reader(place, "class:7")
    # The session's own messages may be written before the end of the turn.
    assert bruno.written == []
    place.fan_out.flush()
    assert ana.seqs == bruno.seqs == [1, 2]


@pytest.mark.parametrize("takes", [0, 10])
async def test_bytes_refused_by_a_socket_are_sent_first(takes: int) -> None:
    place = Place("class:7")
    ana, bruno = Reader(place, "class:7"), Reader(place, "class:7")
    ana.takes = takes
    for seq in (1, 2):
        place.deliver("class:7", seq)
        await turn()
    assert ana.seqs == bruno.seqs == [1, 2]


async def test_failing_transport_does_not_affect_other_sessions(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place("class:7")
    ana, bruno = Reader(place, "class:7"), Reader(place, "class:7")
    ana.session.go_straight(None)
    monkeypatch.setattr(ana, "flush", lambda: 1 / 0)
    place.deliver("class:7", 1)
    await turn()
    assert bruno.seqs == [1]
    assert "a client could not be written to" in caplog.text


async def test_session_receives_messages_in_its_current_wire_format() -> None:
    place = Place("class:7")
    ana, bruno = Reader(place, "class:7"), Reader(place, "class:7")
    place.deliver("class:7", 1)
    await turn()
    ana.written.clear()
    ana.session.receive('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}', 0.0)
    assert ana.session.wire is JSON_OBJECTS
    for seq in (2, 3):
        place.deliver("class:7", seq)
        await turn()
    objects = [json.loads(body) for body in unframed(b"".join(ana.written))]
    assert [each["payload"]["seq"] for each in objects] == [2, 3]
    assert bruno.seqs == [1, 2, 3]


async def test_session_that_ended_mid_turn_is_skipped() -> None:
    place = Place("class:7")
    ana = Reader(place, "class:7")
    place.deliver("class:7", 1)
    ana.session.end(TOO_SLOW)
    await turn()
    assert ana.seqs == []


async def test_close_flushes_pending_events() -> None:
    place = Place("class:7", max_writes=1, part_writes=1)
    readers = [Reader(place, "class:7") for _ in range(3)]
    place.deliver("class:7", 1)
    place.fan_out.close()
    assert [reader.seqs for reader in readers] == [[1]] * 3
