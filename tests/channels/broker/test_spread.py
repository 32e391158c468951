"""Several Redis as one broker: one that dies, or that some workers do not reach, is replaced by another."""

from collections import Counter
from collections.abc import Mapping

from channels.broker.broker import Envelope
from channels.broker.redis import CHECK_SECONDS, CHECK_SECONDS_AWAY
from channels.broker.spread import SpreadBroker, home_and_substitute, name_of
from tests.channels.broker.forwarder import Forwarder
from tests.channels.broker.place import Place, envelope
from tests.channels.broker.waiting import until
from tests.programs import free_port
from tests.redis import RedisServer

NAMES = frozenset(["a", "b"])
# One topic at home at each of the two.
AT_A, AT_B = (next(f"class:{n}" for n in range(99) if home_and_substitute(f"class:{n}", NAMES)[0] == x) for x in "ab")


async def places(*urls: Mapping[str, str]) -> list[Place]:
    """Return workers that are subscribed to both topics, and sure of each Redis."""
    found = [Place(SpreadBroker(each, probe_seconds=0.1)) for each in urls]
    for place in found:
        place.start()
        await place.subscribes(AT_A, AT_B)
        await until(lambda place=place: place.broker.check_seconds == CHECK_SECONDS)  # type: ignore[misc]
    return found


async def reach(one: Place, two: Place, first: int) -> None:
    """Publish to both topics until both arrive; then a later envelope arrives once."""
    numbers = iter(range(first, first + 10_000))

    def arrives() -> bool:
        number = next(numbers)
        one.broker.publish([envelope(number, AT_A), envelope(number, AT_B)])
        topics = {each.topic for each in two.got if each.seq >= first}
        return topics == {AT_A, AT_B}

    await until(arrives)
    last = first + 10_001
    one.broker.publish([envelope(last, AT_A), envelope(last, AT_B)])
    await until(lambda: sum(each.seq == last for each in two.got) >= 2)


def twice(place: Place) -> list[Envelope]:
    """Return what a worker has received more than once."""
    return [each for each, times in Counter(place.got).items() if times > 1]


async def test_topics_of_a_killed_redis_go_over_the_other(own_redis: RedisServer, other_redis: RedisServer) -> None:
    urls = {"a": own_redis.url, "b": other_redis.url}
    one, two = await places(urls, urls)
    own_redis.kill()
    await reach(one, two, 1)
    await reach(two, one, 1)
    assert one.broker.connected
    assert one.broker.check_seconds == CHECK_SECONDS_AWAY
    own_redis.start()
    await until(lambda: one.broker.check_seconds == two.broker.check_seconds == CHECK_SECONDS)
    await reach(one, two, 50_000)
    other_redis.kill()
    await reach(one, two, 100_000)
    assert (twice(one), twice(two)) == ([], [])
    for place in (one, two):
        await place.broker.close()


async def test_workers_that_reach_different_redis_reach_each_other(
    own_redis: RedisServer, other_redis: RedisServer
) -> None:
    urls = {"a": own_redis.url, "b": other_redis.url}
    async with Forwarder(own_redis.port) as way:
        one, two = await places(urls, {**urls, "a": way.url})
        way.target = free_port()  # nobody listens there
        own_redis.command("CLIENT KILL TYPE pubsub")
        own_redis.command("CLIENT KILL TYPE normal")
        await until(lambda: two.broker.check_seconds == CHECK_SECONDS_AWAY)
        await until(lambda: one.broker.check_seconds == CHECK_SECONDS)
        await reach(one, two, 1)
        await reach(two, one, 1)
        assert not one.without_subscribers
        assert (twice(one), twice(two)) == ([], [])
        for place in (one, two):
            await place.broker.close()


async def test_all_redis_away_counts_as_disconnected(own_redis: RedisServer, other_redis: RedisServer) -> None:
    (one,) = await places({"a": own_redis.url, "b": other_redis.url})
    own_redis.kill()
    await until(lambda: one.broker.check_seconds == CHECK_SECONDS_AWAY)
    assert one.broker.connected
    other_redis.kill()
    await until(lambda: not one.broker.connected)
    await one.broker.close()


def test_another_redis_moves_only_what_it_gets() -> None:
    topics = [f"class:{number}" for number in range(1_000)]
    before = {topic: home_and_substitute(topic, frozenset("abc")) for topic in topics}
    after = {topic: home_and_substitute(topic, frozenset("abcd")) for topic in topics}
    assert all(after[each][0] in (before[each][0], "d") for each in topics)
    homes = Counter(home for home, _ in after.values())
    assert min(homes.values()) > 150, homes
    assert all(home != substitute for home, substitute in after.values())


def test_redis_is_called_by_its_place() -> None:
    assert name_of("rediss://user:secret@Host/3?ssl_cert_reqs=none") == "host:6379"
    assert name_of("redis://") == "localhost:6379"
    assert name_of("unix:///run/redis.sock") == "/run/redis.sock"
    assert name_of("redis+sentinel://:x@A:1,b/name?sentinel_password=y") == "a:1,b/name"
