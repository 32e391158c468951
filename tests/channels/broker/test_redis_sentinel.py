"""Connections lead to the Redis that Sentinels name, with real Sentinels and real failovers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.broker.redis import RedisBroker
from channels.broker.redis_sentinel import sentinel_pool
from server.process.redis_url import use_redis
from tests.channels.broker.place import Place, envelope
from tests.channels.broker.waiting import until
from tests.sentinels import Sentinels


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    """Run one Sentinel and its two Redis."""
    with Sentinels(tmp_path) as running:
        yield running


async def places(url: str) -> tuple[Place, Place]:
    """Return two brokers that receive each other's envelopes."""
    one, two = (Place(RedisBroker(url)) for _ in range(2))
    for place in (one, two):
        place.start()
        await place.subscribes("class:7")
        await until(lambda place=place: place.broker.connected)  # type: ignore[misc]
    return one, two


async def test_workers_follow_to_the_redis_that_leads_next(sentinels: Sentinels) -> None:
    await use_redis(sentinels.url)
    one, two = await places(sentinels.url)
    one.broker.publish([envelope(1)])
    await until(lambda: two.got == [envelope(1)])
    before = sentinels.leader
    sentinels.fail_over()
    await until(lambda: sentinels.leader is not before)
    await until(lambda: reaches(one, two, 2) and reaches(two, one, 2))
    for place in (one, two):
        await place.broker.close()


def reaches(one: Place, two: Place, number: int) -> bool:
    """Publish, and tell whether an envelope of this number has come by now."""
    one.broker.publish([envelope(number)])
    return envelope(number) in two.got


@pytest.mark.long
async def test_workers_reach_each_other_after_the_leader_was_killed(tmp_path: Path) -> None:
    with Sentinels(tmp_path, count=3) as sentinels:
        one, two = await places(sentinels.url)
        sentinels.leader.kill()
        await until(lambda: reaches(one, two, 1) and reaches(two, one, 1))
        for place in (one, two):
            await place.broker.close()


@pytest.mark.parametrize(
    ("url", "redis", "sentinel"),
    [
        ("redis+sentinel://a", {}, [("a", 26379)]),
        ("redis+sentinel://u:p%40@a:1,[::1]:2/name", {"username": "u", "password": "p@"}, [("a", 1), ("::1", 2)]),
        ("rediss+sentinel://a?ssl_ca_certs=/ca.pem&sentinel_password=x", {"ssl_ca_certs": "/ca.pem"}, [("a", 26379)]),
    ],
)
def test_sentinel_urls_are_read(url: str, redis: dict[str, str], sentinel: list[tuple[str, int]]) -> None:
    pool = sentinel_pool(url)
    assert {**pool.connection_kwargs, **redis} == pool.connection_kwargs
    assert pool.service_name == ("name" if "name" in url else "mymaster")
    asking = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in asking] == sentinel
    assert asking[0]["password"] == ("x" if "sentinel_password" in url else None)
    assert asking[0].get("ssl_ca_certs") == redis.get("ssl_ca_certs")
