"""Real Redis servers for the broker tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run a Redis that all broker tests share."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def second_redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Run another Redis that all broker tests share."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis for one test, which may kill, freeze or reconfigure it."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def other_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a second Redis for one test."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
