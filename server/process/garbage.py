"""Keeps Python's garbage collector from holding up a worker with many clients.

Objects are freed by their reference counts; the collector only finds circles, and looks at everything that lives to
find them: about 27 objects a client. Left alone, it did so 6 times while 4,000 clients came back, 0.3 to 1 s at a time,
and took 45% of the CPU of that. Here it looks at what is new, a few ms at a time, and at everything in quiet moments.
What comes and goes in numbers, connections above all, leaves no circles: tests hold it to that.
"""

import asyncio
import gc
import logging
import time

log = logging.getLogger(__name__)

# How many objects must have been made before the new ones are looked at, how often that happens before those that
# were left are looked at again (at most 50,000: 15 ms), and how often that before all are: never by itself.
THRESHOLDS = (5_000, 10, 1_000_000)

# Everything is looked at when the worker has had little to do (a part of one core) for a moment, and not more often
# than this; when that moment does not come, at the latest then.
GLANCE_SECONDS = 10.0
QUIET = 0.1
FULL_SECONDS = 600.0
LATEST_SECONDS = 3_600.0


def settle() -> None:
    """Take what is there now for good: what was imported and made at the start is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


async def collect_when_quiet() -> None:
    """Look at everything now and then, for ever."""
    collected_at = time.monotonic()
    while True:
        used = time.process_time()
        await asyncio.sleep(GLANCE_SECONDS)
        is_quiet = time.process_time() - used < QUIET * GLANCE_SECONDS
        age = time.monotonic() - collected_at
        if age > LATEST_SECONDS or (is_quiet and age > FULL_SECONDS):
            _collect()
            collected_at = time.monotonic()


def _collect() -> None:
    began = time.perf_counter()
    found = gc.collect()
    log.debug("%d objects in circles were freed in %.0f ms", found, (time.perf_counter() - began) * 1000)
