"""The contract suite of every broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from channels.broker.broker import Broker, Envelope
from channels.broker.memory import MemoryBroker, MemoryBus
from channels.broker.redis import CHECK_SECONDS, RedisBroker
from channels.broker.spread import SpreadBroker
from tests.channels.broker.place import Place, envelope
from tests.channels.broker.waiting import until
from tests.redis import RedisServer

MakePlace = Callable[[], Awaitable[Place]]


@pytest.fixture(params=["memory", "redis", "spread"])
async def make_place(
    request: pytest.FixtureRequest, redis_server: RedisServer, second_redis_server: RedisServer
) -> AsyncIterator[MakePlace]:
    bus = MemoryBus()
    prefix = f"{request.node.name}:"
    async with AsyncExitStack() as running:

        def broker() -> Broker:
            if request.param == "memory":
                return MemoryBroker(bus)
            if request.param == "redis":
                return RedisBroker(redis_server.url, prefix)
            return SpreadBroker({"a": redis_server.url, "b": second_redis_server.url}, prefix)

        async def make() -> Place:
            place = Place(broker())
            place.start()
            running.push_async_callback(place.broker.close)
            if request.param == "spread":
                await until(lambda: place.broker.check_seconds == CHECK_SECONDS)
            return place

        yield make


async def test_publish_reaches_other_workers_but_not_the_publisher(make_place: MakePlace) -> None:
    one, two, three = [await make_place() for _ in range(3)]
    for place in (one, two, three):
        await place.subscribes("class:7")
    one.broker.publish([envelope(1), Envelope("class:7", "typing:started", b"{}")])
    await until(lambda: len(two.got) == len(three.got) == 2)
    assert two.got == three.got == [envelope(1), Envelope("class:7", "typing:started", b"{}")]
    assert one.got == []


async def test_only_subscribed_topics_are_received(make_place: MakePlace) -> None:
    one, two = [await make_place() for _ in range(2)]
    await two.subscribes("a", "b", "c")
    two.broker.unsubscribe("b")
    await two.subscribes("d")
    one.broker.publish([envelope(1, "a"), envelope(2, "b"), envelope(3, "x"), envelope(4, "d")])
    await until(lambda: len(two.got) >= 2)
    assert sorted(each.topic for each in two.got) == ["a", "d"]


async def test_order_within_a_topic_is_kept(make_place: MakePlace) -> None:
    one, two = [await make_place() for _ in range(2)]
    await two.subscribes("class:7")
    for start in range(1, 2000, 10):
        one.broker.publish([envelope(number) for number in range(start, start + 10)])
        if start % 100 == 1:
            await asyncio.sleep(0)
    await until(lambda: len(two.got) == 2000)
    assert [each.seq for each in two.got] == list(range(1, 2001))


async def test_topics_without_subscribers_are_reported(make_place: MakePlace) -> None:
    one, two = [await make_place() for _ in range(2)]
    await two.subscribes("worker:two")
    one.broker.publish([envelope(1, "worker:two"), envelope(2, "worker:three")])
    await until(lambda: one.without_subscribers == ["worker:three"])
    await two.broker.close()
    await until(lambda: reported(one, "worker:two"))


def reported(place: Place, topic: str) -> bool:
    place.broker.publish([envelope(3, topic)])
    return topic in place.without_subscribers
