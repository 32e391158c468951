"""The contract of every broker, and what is Redis' own: to be killed, frozen and filled up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from channels.broker.broker import Broker, Envelope
from channels.broker.memory import MemoryBroker, MemoryBus
from channels.broker.redis import CHECK_SECONDS, CHECK_SECONDS_AWAY, MAX_UNANSWERED, RedisBroker
from tests.channels.broker.forwarder import Forwarder
from tests.channels.broker.recorder import Recorder
from tests.channels.broker.waiting import until
from tests.redis import RedisServer


class Place(Recorder):
    """One worker's broker, and what came out of it."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self.broker = broker

    def start(self) -> None:
        self.broker.start(self)

    async def hears(self, *topics: str) -> None:
        """Subscribe, and wait until it counts."""
        before = len(self.confirmed)
        for topic in topics:
            self.broker.subscribe(topic)
        if isinstance(self.broker, RedisBroker):
            await until(lambda: len(self.confirmed) >= before + len(topics))


MakePlace = Callable[[], Awaitable[Place]]


@pytest.fixture(params=["memory", "redis"])
async def make_place(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[MakePlace]:
    bus = MemoryBus()
    prefix = f"{request.node.name}:"
    async with AsyncExitStack() as running:

        async def make() -> Place:
            memory = request.param == "memory"
            place = Place(MemoryBroker(bus) if memory else RedisBroker(redis_server.url, prefix))
            place.start()
            running.push_async_callback(place.broker.close)
            return place

        yield make


def envelope(number: int, topic: str = "class:7") -> Envelope:
    return Envelope(topic, "message:sent", b'{"text":"%d"}' % number, number)


async def test_what_one_publishes_the_others_get_and_it_does_not(make_place: MakePlace) -> None:
    one, two, three = [await make_place() for _ in range(3)]
    for place in (one, two, three):
        await place.hears("class:7")
    one.broker.publish([envelope(1), Envelope("class:7", "typing:started", b"{}")])
    await until(lambda: len(two.got) == len(three.got) == 2)
    assert two.got == three.got == [envelope(1), Envelope("class:7", "typing:started", b"{}")]
    assert one.got == []


async def test_only_what_was_asked_for_comes(make_place: MakePlace) -> None:
    one, two = [await make_place() for _ in range(2)]
    await two.hears("a", "b", "c")
    two.broker.unsubscribe("b")
    await two.hears("d")
    one.broker.publish([envelope(1, "a"), envelope(2, "b"), envelope(3, "x"), envelope(4, "d")])
    await until(lambda: len(two.got) >= 2)
    assert sorted(each.topic for each in two.got) == ["a", "d"]


async def test_a_topic_keeps_its_order(make_place: MakePlace) -> None:
    one, two = [await make_place() for _ in range(2)]
    await two.hears("class:7")
    for start in range(1, 2000, 10):
        one.broker.publish([envelope(number) for number in range(start, start + 10)])
        if start % 100 == 1:
            await asyncio.sleep(0)
    await until(lambda: len(two.got) == 2000)
    assert [each.seq for each in two.got] == list(range(1, 2001))


async def test_it_is_told_what_nobody_hears(make_place: MakePlace) -> None:
    one, two = [await make_place() for _ in range(2)]
    await two.hears("worker:two")
    one.broker.publish([envelope(1, "worker:two"), envelope(2, "worker:three")])
    await until(lambda: one.unheard == ["worker:three"])
    await two.broker.close()
    await until(lambda: told_unheard(one, "worker:two"))


def told_unheard(place: Place, topic: str) -> bool:
    place.broker.publish([envelope(3, topic)])
    return topic in place.unheard


async def pair(server: RedisServer, max_unanswered: int = MAX_UNANSWERED) -> tuple[Place, Place]:
    one, two = (Place(RedisBroker(server.url, max_unanswered=max_unanswered)) for _ in range(2))
    for place in (one, two):
        place.start()
        await place.hears("class:7")
        await until(lambda place=place: place.broker.connected)  # type: ignore[misc]
    return one, two


async def close(*places: Place) -> None:
    for place in places:
        await place.broker.close()


async def test_after_a_crash_of_redis_subscriptions_stand_again_and_are_told(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.kill()
    await until(lambda: two.broker.check_seconds == CHECK_SECONDS_AWAY)
    one.broker.publish([envelope(1)])
    two.broker.subscribe("class:8")
    await asyncio.sleep(0.1)
    two.confirmed.clear()
    own_redis.start()
    await until(lambda: sorted(two.confirmed) == ["class:7", "class:8"])
    await until(lambda: two.broker.check_seconds == CHECK_SECONDS)
    one.broker.publish([envelope(2, "class:8")])
    await until(lambda: len(two.got) == 1)
    assert two.got == [envelope(2, "class:8")]
    await close(one, two)


async def test_a_redis_that_is_open_but_dead_is_noticed_within_five_seconds(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.freeze()
    async with asyncio.timeout(5):
        while two.broker.check_seconds != CHECK_SECONDS_AWAY:
            await asyncio.sleep(0.01)
        assert two.broker.connected  # it is only doubted as yet
        await until(lambda: not two.broker.connected)
    two.confirmed.clear()
    own_redis.thaw()
    await until(lambda: two.confirmed == ["class:7"])
    await close(one, two)


async def test_connections_that_redis_cuts_are_made_again(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    two.confirmed.clear()
    own_redis.command("CLIENT KILL TYPE pubsub")
    await until(lambda: two.confirmed == ["class:7"])
    one.broker.publish([envelope(1)])
    await until(lambda: two.got == [envelope(1)])
    await close(one, two)


async def test_a_publish_that_was_never_answered_leaves_nothing_to_the_next_one(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.freeze()
    one.broker.publish([envelope(1, "unheard")])
    await until(lambda: not one.broker.connected)  # given up
    own_redis.thaw()
    await until(lambda: one.broker.connected)
    one.broker.publish([envelope(2, "nobody's")])
    await until(lambda: one.unheard == ["nobody's"])
    await close(one, two)


async def test_what_redis_does_not_take_is_dropped(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis, max_unanswered=2)
    for number in range(1, 9):
        one.broker.publish([envelope(number)])
    await until(lambda: len(two.got) == 2)
    await until(lambda: tried_again(one, two))
    assert [each.seq for each in two.got] == [1, 2, 9]
    await close(one, two)


def tried_again(one: Place, two: Place) -> bool:
    if len(two.got) == 2:
        one.broker.publish([envelope(9)])
    return len(two.got) == 3


async def test_a_publishing_connection_that_redis_cuts_is_made_again(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.command("CLIENT KILL TYPE normal")
    await until(lambda: not one.broker.connected)
    await until(lambda: one.broker.connected)
    one.broker.publish([envelope(1)])
    await until(lambda: two.got == [envelope(1)])
    await close(one, two)


async def test_what_redis_refuses_to_publish_is_logged(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await pair(own_redis)
    own_redis.command("ACL SETUSER default -publish")
    one.broker.publish([envelope(1)])
    await until(lambda: "Redis refuses PUBLISH" in caplog.text)
    own_redis.command("ACL SETUSER default +publish")
    one.broker.publish([envelope(2)])
    await until(lambda: two.got == [envelope(2)])
    await close(one, two)


async def test_a_reader_that_redis_cuts_because_too_much_waits_for_it_listens_again(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.command("CONFIG SET client-output-buffer-limit 'pubsub 1 1 1'")
    two.confirmed.clear()
    # More than Redis' buffer of fixed size holds, in one message: the rest of it is over the limit at once.
    one.broker.publish([Envelope("class:7", "message:sent", b'{"text":"%s"}' % (b"x" * 100_000), 1)])
    await until(lambda: two.confirmed == ["class:7"])
    assert two.got == []
    one.broker.publish([envelope(2)])
    await until(lambda: two.got == [envelope(2)])
    await close(one, two)


async def test_a_redis_that_comes_late_is_waited_for(own_redis: RedisServer) -> None:
    own_redis.kill()
    place = Place(RedisBroker(own_redis.url))
    place.start()
    place.broker.subscribe("class:7")
    place.broker.publish([envelope(1)])
    own_redis.start()
    await until(lambda: place.confirmed == ["class:7"])
    await close(place)


async def test_a_bug_in_what_takes_the_envelopes_does_not_end_the_listening(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await pair(own_redis)
    received = two.received
    two.received = lambda batch: 1 / 0  # type: ignore[assignment, method-assign]
    one.broker.publish([envelope(1)])
    await until(lambda: "could not be handled" in caplog.text)
    two.received = received  # type: ignore[method-assign]
    two.confirmed.clear()
    await until(lambda: two.confirmed == ["class:7"])
    one.broker.publish([envelope(2)])
    await until(lambda: two.got == [envelope(2)])
    await close(one, two)


async def test_what_is_not_ours_on_our_channels_is_passed_over(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await pair(own_redis)
    async with Redis.from_url(own_redis.url) as stranger:
        await stranger.publish("lousa:class:7", "hello")
    one.broker.publish([envelope(1)])
    await until(lambda: two.got == [envelope(1)])
    assert "Another program publishes" in caplog.text
    await close(one, two)


# What Redis answers instead of doing it


async def test_an_error_is_matched_to_the_command_it_answers(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await pair(own_redis)
    own_redis.command("ACL SETUSER default -ping")
    for number in range(1, 31):
        one.broker.publish([envelope(number)])
        await asyncio.sleep(0.05)
    await until(lambda: len(two.got) == 30)
    assert (one.unheard, one.broker.connected, caplog.text) == ([], True, "")
    await close(one, two)


async def test_a_busy_redis_is_said_once_and_nobody_counts_as_gone(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await pair(own_redis)
    own_redis.command("CONFIG SET busy-reply-threshold 100")
    own_redis.send('EVAL "while true do end" 0')
    await until(lambda: "BUSY" in caplog.text)
    for number in range(1, 31):
        one.broker.publish([envelope(number)])
        await asyncio.sleep(0.05)
    assert b"+OK" in own_redis.command("SCRIPT KILL")
    await until(lambda: reached(one, two))
    assert one.unheard == []
    assert caplog.text.count("BUSY") == 2  # once in each worker
    assert "Traceback" not in caplog.text
    await close(one, two)


def reached(one: Place, two: Place) -> bool:
    one.broker.publish([envelope(99)])
    return envelope(99) in two.got


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://lousa:wrong@127.0.0.1:{port}/0", "invalid username-password pair"),
        ("redis://127.0.0.1:{port}/0", "NOAUTH Authentication required."),
        ("redis://:secret@127.0.0.1:{port}/99", "DB index is out of range"),
        ("redis://narrow:secret@127.0.0.1:{port}/0", "NOPERM"),
    ],
)
async def test_what_redis_refuses_to_a_connection_is_said_once(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture, url: str, words: str
) -> None:
    own_redis.command("ACL SETUSER narrow on >secret +publish +subscribe &other:*")
    own_redis.command("CONFIG SET requirepass secret")
    place = Place(RedisBroker(url.format(port=own_redis.port), retry_seconds=0.05))
    place.start()
    place.broker.subscribe("class:7")
    await until(lambda: words in caplog.text)
    said = caplog.text
    await asyncio.sleep(0.5)  # some ten more attempts
    assert caplog.text == said
    assert "Traceback" not in said
    assert not place.broker.connected
    await close(place)


# A connection that answers and leads nowhere


async def test_connections_to_two_servers_after_a_failover_are_replaced(
    own_redis: RedisServer, other_redis: RedisServer
) -> None:
    async with Forwarder(own_redis.port) as name:
        one, two = Place(RedisBroker(name.url)), Place(RedisBroker(name.url))
        for place in (one, two):
            place.start()
            await place.hears("class:7")
        await until(lambda: one.broker.connected and two.broker.connected)
        name.target = other_redis.port
        two.confirmed.clear()
        own_redis.command("CLIENT KILL TYPE pubsub")  # the publishers stay
        await until(lambda: bool(two.confirmed))
        await until(lambda: reached(one, two) and reached(two, one))
        assert other_redis.command("PUBSUB NUMSUB lousa:class:7").endswith(b":2\r\n")
        await close(one, two)


async def test_a_loop_that_stood_still_keeps_its_connections(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    before = clients(own_redis)
    two.confirmed.clear()
    time.sleep(4)
    for _ in range(100):
        await asyncio.sleep(0.01)
        assert two.broker.connected
    assert clients(own_redis) == before
    assert two.confirmed == []
    await close(one, two)


def clients(server: RedisServer) -> set[bytes]:
    """Return the ids of the connections at Redis but the one that asks."""
    return {
        line.split()[0]
        for line in server.command("CLIENT LIST").splitlines()
        if b"id=" in line and b"cmd=client" not in line
    }
