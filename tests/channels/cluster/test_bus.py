"""The bus passes a message of another worker to its channel's receiver, or to the hub if it belongs to a topic."""

import asyncio
from collections.abc import Collection

import pytest

from channels.broker.broker import Envelope
from channels.broker.memory import MemoryBroker, MemoryBus
from channels.cluster.bus import Bus
from channels.journal.journal import Journal
from channels.lesson.state import TopicState
from channels.topics.hub import Hub
from channels.topics.kind import parse_name
from channels.topics.topic import Topic


class Place:
    """One worker's bus and hub; records the calls of its listeners."""

    def __init__(self, journal: Journal, bus: MemoryBus) -> None:
        self.broker = MemoryBroker(bus)
        self.hub = Hub(journal, self.broker, lambda name: Topic(parse_name(name), TopicState(())))
        self.bus = Bus(self.broker, self.hub)
        self.received: list[bytes] = []
        self.back: list[str] = []
        self.alone: list[str] = []
        self.turns = 0
        self.hub.start(self)
        self.bus.start(self)

    def turn_ending(self) -> None:
        self.turns += 1

    def resubscribed(self, channels: Collection[str]) -> None:
        self.back += channels

    def no_subscribers(self, channel: str) -> None:
        self.alone.append(channel)

    async def close(self) -> None:
        await self.hub.close()
        await self.bus.close()


async def turns() -> None:
    """Wait until published messages have been received and handled."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_message_reaches_the_channel_receivers_of_other_workers(journal: Journal) -> None:
    bus = MemoryBus()
    one, two, three = (Place(journal, bus) for _ in range(3))
    for place in (one, two):
        place.bus.listen("marks", place.received.append)
    one.bus.publish("marks", b"a")
    one.bus.publish("marks", b"b")
    await turns()
    assert (one.received, two.received, three.received) == ([], [b"a", b"b"], [])
    assert two.turns == 1  # one flush for both messages
    for place in (one, two, three):
        await place.close()


async def test_failing_receiver_does_not_affect_other_envelopes(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(journal, MemoryBus())

    def broken(payload: bytes) -> None:
        raise RuntimeError("a defect")

    place.bus.listen("broken", broken)
    place.bus.listen("marks", place.received.append)
    async with place.hub.holding("class:7") as topic:
        place.bus.received(
            [Envelope("broken", "", b"x"), Envelope("marks", "", b"a"), Envelope("class:7", "message:sent", b"{}", 1)]
        )
        assert (place.received, topic.seq) == ([b"a"], 1)
    assert "published on broken could not be handled" in caplog.text
    await place.close()


async def test_listener_gets_channels_without_subscribers_and_resubscribed_ones(journal: Journal) -> None:
    place = Place(journal, MemoryBus())
    place.bus.publish("worker:gone", b"x")
    await turns()
    assert place.alone == ["worker:gone"]
    place.bus.resubscribed(["marks", "class:7"])
    assert place.back == ["marks", "class:7"]
    await place.close()
