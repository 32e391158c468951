"""Real Redis servers for the tests of the broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a Redis that all tests share."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis of the test's own, to be killed, frozen and reconfigured."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def other_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a second Redis of the test's own."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
