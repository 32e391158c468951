r"""Detects a worker whose event loop is stalled, or whose process is frozen.

    worker: event loop --- two bytes a second --> pipe ---> supervisor: silent for too long? kill and replace it
               \-- rearms a timer of faulthandler's: when it fires, the stacks of all threads are written to the log

faulthandler's timer is a C thread that needs no GIL, so it works whatever the loop is stuck in. The supervisor counts
only the time in which it ran itself (RunningClock): after the machine was suspended, or the supervisor stopped, silence
proves nothing.
"""

import asyncio
import contextlib
import faulthandler
import os
import time
from collections.abc import Callable

from channels.pace import until_tick
from server.process.service_manager import ALIVE, notify

# Several beats fit into the shortest limit (stand_in.STILL_SECONDS); two bytes a second cost nothing to be measured.
BEAT_SECONDS = 0.5

# No step of a healthy event loop takes a second; a machine that swaps or is overloaded may delay one for some seconds.
STALL_SECONDS = 10.0

# When the supervisor kills a silent worker: late enough for the worker to write its stacks first.
SILENT_SECONDS = STALL_SECONDS + 2.0


# The bytes that a worker writes to its pipe: its event loop runs; and, once, it serves.
BEAT, OPEN = b".", b"o"


class RunningClock:
    """A clock that runs only while this process does: a longer pause between two ticks counts as `max_step` seconds."""

    def __init__(self, max_step: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.now = 0.0
        self._max_step = max_step
        self._clock = clock
        self._read_at = clock()

    def tick(self) -> None:
        """Advance to now; call it at least every `max_step` seconds."""
        read_at = self._clock()
        self.now += min(read_at - self._read_at, self._max_step)
        self._read_at = read_at


async def beat(pipe: int | None, *, seconds: float = BEAT_SECONDS, stall_seconds: float = STALL_SECONDS) -> None:
    """Write a byte to the pipe every `seconds`, until cancelled; without a supervisor (None) tell systemd.

    When that stops for `stall_seconds`, the stacks of all threads are written to the standard error.
    """
    try:
        while True:
            faulthandler.dump_traceback_later(stall_seconds)
            if pipe is not None:
                report(pipe, BEAT)
            else:
                notify(ALIVE)
            await asyncio.sleep(until_tick(seconds))
    finally:
        faulthandler.cancel_dump_traceback_later()


def report(pipe: int, what: bytes) -> None:
    """Write BEAT or OPEN to the supervisor without blocking: a stopped supervisor leaves the pipe full."""
    with contextlib.suppress(BlockingIOError):
        os.write(pipe, what)
