"""Keeps Python's garbage collector from blocking a worker with many clients.

Reference counts free most objects; the collector only finds reference cycles, and examines every live object for that:
about 27 for each client. With its default settings it did so 6 times while 4,000 clients reconnected, for 0.3 to 1 s
each time, and took 45% of the CPU. Here it examines new objects, for a few ms at a time, and all objects when the
worker is idle. What is created and freed often, connections above all, makes no cycles; tests check that.
"""

import asyncio
import gc
import logging
import time

log = logging.getLogger(__name__)

# New objects that start a collection of the first generation; such collections before the second is examined (at most
# 50,000 objects: 15 ms); and such before all objects are: never by itself.
THRESHOLDS = (5_000, 10, 1_000_000)

# All objects are examined when the worker was idle for a while (it used less than this part of one core), but not more
# often than FULL_SECONDS; a worker that is never idle does it after LATEST_SECONDS.
IDLE_SECONDS = 10.0
IDLE_LOAD = 0.1
FULL_SECONDS = 600.0
LATEST_SECONDS = 3_600.0


def settle() -> None:
    """Exempt all objects that exist now, made by imports and the start, from later collections."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


async def collect_when_idle(
    *,
    idle_seconds: float = IDLE_SECONDS,
    idle_load: float = IDLE_LOAD,
    full_seconds: float = FULL_SECONDS,
    latest_seconds: float = LATEST_SECONDS,
) -> None:
    """Examine all objects from time to time, until cancelled."""
    collected_at = time.monotonic()
    while True:
        used = time.process_time()
        await asyncio.sleep(idle_seconds)
        is_idle = time.process_time() - used < idle_load * idle_seconds
        age = time.monotonic() - collected_at
        if age > latest_seconds or (is_idle and age > full_seconds):
            _collect()
            collected_at = time.monotonic()


def _collect() -> None:
    began = time.perf_counter()
    found = gc.collect()
    log.debug("%d objects in reference cycles were freed in %.0f ms", found, (time.perf_counter() - began) * 1000)
