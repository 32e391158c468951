"""The Redis broker with servers that crash, freeze, cut connections, refuse commands and fail over."""

import asyncio
import re
import time

import pytest
from redis.asyncio import Redis

from channels.broker.broker import Envelope
from channels.broker.redis import CHECK_SECONDS, CHECK_SECONDS_AWAY, MAX_UNANSWERED, RedisBroker
from server.process.redis_url import try_redis
from tests.channels.broker.forwarder import Forwarder
from tests.channels.broker.place import Place, envelope
from tests.channels.broker.waiting import until
from tests.lousa import ROOT
from tests.redis import RedisServer

OPERATIONS = ROOT / "docs" / "operations.md"


async def pair(server: RedisServer, max_unanswered: int = MAX_UNANSWERED) -> tuple[Place, Place]:
    one, two = (Place(RedisBroker(server.url, max_unanswered=max_unanswered)) for _ in range(2))
    for place in (one, two):
        place.start()
        await place.subscribes("class:7")
        await until(lambda place=place: place.broker.connected)  # type: ignore[misc]
    return one, two


async def close(*places: Place) -> None:
    for place in places:
        await place.broker.close()


async def test_subscriptions_are_restored_after_a_crash_of_redis(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.kill()
    await until(lambda: two.broker.check_seconds == CHECK_SECONDS_AWAY)
    assert (one.doubts, two.doubts) == (1, 1)
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


async def test_connection_to_a_frozen_redis_is_doubted_then_replaced(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.freeze()
    await until(lambda: two.broker.check_seconds == CHECK_SECONDS_AWAY)
    assert two.broker.connected  # so far only in doubt
    assert two.doubts == 1
    await until(lambda: not two.broker.connected)
    two.confirmed.clear()
    own_redis.thaw()
    await until(lambda: two.confirmed == ["class:7"])
    await close(one, two)


async def test_cut_subscriber_reconnects(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    two.confirmed.clear()
    own_redis.command("CLIENT KILL TYPE pubsub")
    await until(lambda: two.confirmed == ["class:7"])
    one.broker.publish([envelope(1)])
    await until(lambda: two.got == [envelope(1)])
    await close(one, two)


async def test_unanswered_publishes_do_not_shift_later_replies(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.freeze()
    one.broker.publish([envelope(1, "without-subscribers")])
    await until(lambda: not one.broker.connected)  # given up
    own_redis.thaw()
    await until(lambda: one.broker.connected)
    one.broker.publish([envelope(2, "nobody's")])
    await until(lambda: one.without_subscribers == ["nobody's"])
    await close(one, two)


async def test_publishes_beyond_the_unanswered_bound_are_dropped(own_redis: RedisServer) -> None:
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


async def test_cut_publisher_reconnects(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.command("CLIENT KILL TYPE normal")
    await until(lambda: not one.broker.connected)
    await until(lambda: one.broker.connected)
    one.broker.publish([envelope(1)])
    await until(lambda: two.got == [envelope(1)])
    await close(one, two)


async def test_refused_publish_is_logged(own_redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    one, two = await pair(own_redis)
    own_redis.command("ACL SETUSER default -publish")
    one.broker.publish([envelope(1)])
    await until(lambda: "Redis refuses PUBLISH" in caplog.text)
    own_redis.command("ACL SETUSER default +publish")
    one.broker.publish([envelope(2)])
    await until(lambda: two.got == [envelope(2)])
    await close(one, two)


async def test_subscriber_cut_for_a_full_buffer_resubscribes(own_redis: RedisServer) -> None:
    one, two = await pair(own_redis)
    own_redis.command("CONFIG SET client-output-buffer-limit 'pubsub 1 1 1'")
    two.confirmed.clear()
    # One message larger than Redis' fixed buffer: the rest of it exceeds the limit at once.
    one.broker.publish([Envelope("class:7", "message:sent", b'{"text":"%s"}' % (b"x" * 100_000), 1)])
    await until(lambda: two.confirmed == ["class:7"])
    assert two.got == []
    one.broker.publish([envelope(2)])
    await until(lambda: two.got == [envelope(2)])
    await close(one, two)


async def test_broker_waits_for_a_redis_that_starts_late(own_redis: RedisServer) -> None:
    own_redis.kill()
    place = Place(RedisBroker(own_redis.url))
    place.start()
    place.broker.subscribe("class:7")
    place.broker.publish([envelope(1)])
    own_redis.start()
    await until(lambda: place.confirmed == ["class:7"])
    await close(place)


async def test_bug_in_the_listener_replaces_the_connection(
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


async def test_foreign_messages_on_our_channels_are_ignored(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await pair(own_redis)
    async with Redis.from_url(own_redis.url) as stranger:
        await stranger.publish("lousa:class:7", "hello")
    one.broker.publish([envelope(1)])
    await until(lambda: two.got == [envelope(1)])
    assert "Another program publishes" in caplog.text
    await close(one, two)


# Commands that Redis refuses


async def test_error_reply_is_matched_to_its_command(own_redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    one, two = await pair(own_redis)
    own_redis.command("ACL SETUSER default -ping")
    for number in range(1, 31):
        one.broker.publish([envelope(number)])
        await asyncio.sleep(0.05)
    await until(lambda: len(two.got) == 30)
    assert (one.without_subscribers, one.broker.connected, caplog.text) == ([], True, "")
    await close(one, two)


async def test_busy_redis_is_logged_once_and_drops_no_worker(
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
    assert one.without_subscribers == []
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
        ("redis://narrow:secret@127.0.0.1:{port}/0", "NOPERM"),
    ],
)
async def test_refused_connection_is_logged_once(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture, url: str, words: str
) -> None:
    own_redis.command("ACL SETUSER narrow on >secret +publish +subscribe &other:*")
    own_redis.command("CONFIG SET requirepass secret")
    place = Place(RedisBroker(url.format(port=own_redis.port), retry_seconds=0.05))
    place.start()
    place.broker.subscribe("class:7")
    await until(lambda: words in caplog.text)
    await asyncio.sleep(0.5)  # some ten more attempts, of each of two connections
    lines = caplog.text.splitlines()
    assert sorted(lines) == sorted(set(lines))
    assert "Traceback" not in caplog.text
    assert not place.broker.connected
    await close(place)


@pytest.mark.parametrize("database", ["", "/0", "/3", "?db=3"])
async def test_documented_acl_rights_suffice(own_redis: RedisServer, database: str) -> None:
    rule = re.search(r"ACL SETUSER lousa on >PASSWORD[^`]*", OPERATIONS.read_text())
    assert rule is not None
    assert b"+OK" in own_redis.command(" ".join(rule[0].split()))
    url = f"redis://lousa:PASSWORD@127.0.0.1:{own_redis.port}{database}"
    await try_redis(url)
    one, two = [Place(RedisBroker(url)) for _ in range(2)]
    for place in (one, two):
        place.start()
        await place.subscribes("class:7")
        place.broker.subscribe("class:8")
        place.broker.unsubscribe("class:8")
    await until(lambda: one.broker.connected and two.broker.connected)
    await until(lambda: reached(one, two))
    assert own_redis.command("ACL LOG") == b"*0\r\n"  # nothing was refused
    await close(one, two)


# Connections that work but lead to the wrong server


async def test_connections_split_by_a_failover_are_replaced(own_redis: RedisServer, other_redis: RedisServer) -> None:
    async with Forwarder(own_redis.port) as name:
        one, two = Place(RedisBroker(name.url)), Place(RedisBroker(name.url))
        for place in (one, two):
            place.start()
            await place.subscribes("class:7")
        await until(lambda: one.broker.connected and two.broker.connected)
        name.target = other_redis.port
        two.confirmed.clear()
        own_redis.command("CLIENT KILL TYPE pubsub")  # the publishers stay
        await until(lambda: bool(two.confirmed))
        await until(lambda: reached(one, two) and reached(two, one))
        assert other_redis.command("PUBSUB NUMSUB lousa:class:7").endswith(b":2\r\n")
        await close(one, two)


async def test_stalled_event_loop_keeps_its_connections(own_redis: RedisServer) -> None:
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
    """Return the ids of Redis' client connections, without the one that asks."""
    return {
        line.split()[0]
        for line in server.command("CLIENT LIST").splitlines()
        if b"id=" in line and b"cmd=client" not in line
    }
