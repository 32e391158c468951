"""What sessions and other workers are sent at the end of a turn: once, in order, in as few writes as possible."""

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
    """A session, its transport and its socket: what was written, and by how many writes."""

    def __init__(self, place: "Place", *topics: str) -> None:
        self.session = Session(ANA, JSON, Limits(), 0.0, place.fan_out)
        self.session.transport = self
        self.written: list[bytes] = []
        self.takes: int | None = None  # bytes that the socket takes at once; None: all
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

    def __init__(self, *names: str, max_writes: int = 2_000, bus: MemoryBus | None = None) -> None:
        self.topics = {name: Topic(parse_name(name), TopicState(())) for name in names}
        self.broker = MemoryBroker(bus)
        self.fan_out = FanOut(self.topics, self.broker, max_writes=max_writes)
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

    def received(self, batch: Sequence[Envelope]) -> None:
        self.envelopes += batch


async def turn() -> None:
    """Wait until what this turn began has been flushed."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_all_that_a_session_gets_in_one_turn_is_one_write() -> None:
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


async def test_a_session_added_within_a_turn_gets_nothing_of_it() -> None:
    place = Place("class:7")
    ana = Reader(place, "class:7")
    place.deliver("class:7", 1)
    late = Reader(place, "class:7")  # the reply to its join has the event
    await turn()
    place.deliver("class:7", 2)
    await turn()
    assert (ana.seqs, late.seqs) == ([1, 2], [2])


async def test_a_listener_that_fails_costs_nobody_the_turn(caplog: pytest.LogCaptureFixture) -> None:
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


async def test_a_broker_that_fails_costs_nobody_the_turn(
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
async def test_in_a_storm_other_workers_events_go_with_the_same_write(from_others: bool) -> None:
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


async def test_a_large_topic_is_written_to_in_parts() -> None:
    place = Place("class:7", max_writes=2)
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


async def test_joining_a_large_topic_leaves_nobody_with_half_a_frame() -> None:
    place = Place("class:7", max_writes=1)
    ana, bruno = Reader(place, "class:7"), Reader(place, "class:7")
    bruno.takes = 1
    place.deliver("class:7", 1)
    place.fan_out.flush()
    place.deliver("class:7", 2)  # waits until both have the first
    assert (ana.seqs, bruno.written) == ([1], [])
    Reader(place, "class:7")
    # A word of the connection's own may go out before the turn's end.
    assert bruno.written == []
    place.fan_out.flush()
    assert ana.seqs == bruno.seqs == [1, 2]


@pytest.mark.parametrize("takes", [0, 10])
async def test_what_a_socket_does_not_take_goes_before_anything_else(takes: int) -> None:
    place = Place("class:7")
    ana, bruno = Reader(place, "class:7"), Reader(place, "class:7")
    ana.takes = takes
    for seq in (1, 2):
        place.deliver("class:7", seq)
        await turn()
    assert ana.seqs == bruno.seqs == [1, 2]


async def test_a_transport_that_raises_costs_the_others_nothing(
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


async def test_a_session_gets_messages_in_its_present_wire() -> None:
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


async def test_a_session_that_ends_within_the_turn_is_flushed() -> None:
    place = Place("class:7")
    ana = Reader(place, "class:7")
    place.deliver("class:7", 1)
    ana.session.end(TOO_SLOW)
    await turn()
    assert ana.seqs == []


async def test_closing_writes_and_publishes_what_was_offered() -> None:
    place = Place("class:7", max_writes=1)
    readers = [Reader(place, "class:7") for _ in range(3)]
    place.deliver("class:7", 1)
    place.fan_out.close()
    assert [reader.seqs for reader in readers] == [[1]] * 3
