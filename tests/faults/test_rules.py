"""Rules apply from their commit on, on every worker, while Redis is frozen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.databases import Databases
from tests.faults.rules.drill import drill
from tests.redis import RedisServer

pytestmark = pytest.mark.faults


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


async def test_no_forbidden_event_follows_a_governing_one(
    databases: Databases, made_urls: dict[str, str], redis: RedisServer
) -> None:
    outcome = await drill(made_urls, redis, workers=4, senders=12, seconds=5)
    assert outcome.faults() == []
    assert sum(report["rules"] for report in outcome.reports) > 6, "there was nothing to hold"
    assert sum(sum(report["refused"].values()) for report in outcome.reports) > 0, "no rule met a message"
    assert sum(len(report["stored"]) for report in outcome.reports) > 10, "too little was sent"
