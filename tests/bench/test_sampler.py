"""The attribution of CPU time to the broker, tested with code compiled under the names of these files."""

import sys
from collections.abc import Callable
from typing import Any

from bench.sampler import _is_broker
from tests.lousa import ROOT

BROKER, HUB = (str(ROOT / "channels" / name) for name in ("broker/redis.py", "topics/hub.py"))
REDIS, ASYNCIO = "/usr/lib/python/redis/asyncio/client.py", "/usr/lib/python/asyncio/events.py"

STREAM = """
class _SelectorSocketTransport:
    def call(self, inner):
        return inner()

call = _SelectorSocketTransport().call
"""


def is_brokers(*files: str, source: str = "def call(inner): return inner()") -> bool:
    """Call from one file to the next; return whether time in the last one counts as the broker's."""
    inner: Callable[[], bool] = _ask
    for file in reversed(files):
        inner = _calling(inner, file, source)
    return inner()


def _ask() -> bool:
    return _is_broker(sys._getframe(1))


def _calling(inner: Callable[[], bool], file: str, source: str) -> Callable[[], bool]:
    names: dict[str, Any] = {}
    exec(compile(source, file, "exec"), names)
    return lambda: bool(names["call"](inner))


def test_library_called_by_the_broker_counts_as_broker() -> None:
    assert is_brokers(ASYNCIO, HUB, BROKER, REDIS)


def test_hub_called_by_the_broker_does_not_count() -> None:
    assert not is_brokers(ASYNCIO, BROKER, HUB, ASYNCIO)


def test_reading_a_stream_counts_as_broker() -> None:
    assert is_brokers(ASYNCIO, source=STREAM)


def test_waiting_event_loop_does_not_count() -> None:
    assert not is_brokers(ASYNCIO)
