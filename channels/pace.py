"""Periodic work of one process wakes it together: pauses end on the ticks of one grid.

Some fifteen loops with periods of 0.5 to 2 s woke an idle worker thirty times a second, and each time the event loop
polls, and the kernel switches to the process and back. What is due within a quarter of a second shares that.
"""

import math
import os
import time

# Divides the usual periods. A period that is shorter has no tick to wait for.
TICK_SECONDS = 0.25

# So that not all workers of a machine wake at once: the golden ratio spreads consecutive numbers of processes.
_SPREAD = (math.sqrt(5) - 1) / 2

# The event loop may call a timer this much early, by the resolution of its clock.
_EARLY = 1e-6


def until_tick(seconds: float) -> float:
    """Return how long to wait, `seconds` at most and less than a tick less, to go on at a tick of this process."""
    if seconds < TICK_SECONDS:
        return seconds
    now = time.monotonic()
    phase = os.getpid() * _SPREAD % 1 * TICK_SECONDS
    ticks = math.floor((now + seconds - phase) / TICK_SECONDS + _EARLY)
    return max(0.0, min(seconds, ticks * TICK_SECONDS + phase - now))
