"""The garbage collector examines only new objects until the worker is idle."""

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


def test_objects_from_the_start_are_exempt_from_collection() -> None:
    garbage.settle()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 1_000
    assert gc.get_threshold() == garbage.THRESHOLDS


@pytest.mark.parametrize(
    "options",
    [{"idle_load": 1e6, "full_seconds": 0.0}, {"idle_load": -1.0, "latest_seconds": 0.0}],
    ids=["idle", "at the latest"],
)
async def test_cycles_are_found(options: dict[str, float]) -> None:
    garbage.settle()
    left = weakref.ref(Circle())
    collecting = asyncio.create_task(garbage.collect_when_idle(idle_seconds=0.01, **options))
    async with asyncio.timeout(10):
        while left() is not None:
            await asyncio.sleep(0.01)
    collecting.cancel()


async def test_a_busy_worker_is_not_blocked() -> None:
    garbage.settle()
    left = weakref.ref(Circle())
    collecting = asyncio.create_task(garbage.collect_when_idle(idle_seconds=0.001, idle_load=-1.0, full_seconds=0.0))
    await asyncio.sleep(0.05)
    assert left() is not None
    collecting.cancel()
