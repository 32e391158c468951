"""The garbage collector looks at what is new only, until there is a quiet moment."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from server.process import garbage


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Circle:
    def __init__(self) -> None:
        self.me = self


def test_what_was_there_at_the_start_is_never_looked_at_again() -> None:
    garbage.settle()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 1_000
    assert gc.get_threshold() == garbage.THRESHOLDS


@pytest.mark.parametrize(
    ("setting", "value"), [("FULL_SECONDS", 0.0), ("LATEST_SECONDS", 0.0)], ids=["when quiet", "at the latest"]
)
async def test_what_is_left_is_found(monkeypatch: pytest.MonkeyPatch, setting: str, value: float) -> None:
    monkeypatch.setattr(garbage, "GLANCE_SECONDS", 0.01)
    monkeypatch.setattr(garbage, "QUIET", 1e6 if setting == "FULL_SECONDS" else -1.0)
    monkeypatch.setattr(garbage, setting, value)
    garbage.settle()
    left = weakref.ref(Circle())
    collecting = asyncio.create_task(garbage.collect_when_quiet())
    async with asyncio.timeout(10):
        while left() is not None:
            await asyncio.sleep(0.01)
    collecting.cancel()


async def test_a_busy_worker_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "GLANCE_SECONDS", 0.001)
    monkeypatch.setattr(garbage, "QUIET", -1.0)
    monkeypatch.setattr(garbage, "FULL_SECONDS", 0.0)
    garbage.settle()
    left = weakref.ref(Circle())
    collecting = asyncio.create_task(garbage.collect_when_quiet())
    await asyncio.sleep(0.05)
    assert left() is not None
    collecting.cancel()
