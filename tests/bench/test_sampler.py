"""To whom the time of a worker is put down, told by code that says it is of these files."""

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
    """Call from one file to the next, and tell to whom the last one's time is put down."""
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


def test_what_a_library_does_for_the_broker_is_the_brokers() -> None:
    assert is_brokers(ASYNCIO, HUB, BROKER, REDIS)


def test_what_the_hub_does_for_the_broker_is_not() -> None:
    assert not is_brokers(ASYNCIO, BROKER, HUB, ASYNCIO)


def test_a_stream_that_is_read_from_is_the_brokers() -> None:
    assert is_brokers(ASYNCIO, source=STREAM)


def test_an_event_loop_that_waits_is_nobodys() -> None:
    assert not is_brokers(ASYNCIO)
