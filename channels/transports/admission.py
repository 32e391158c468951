"""Admission control with a bounded queue: limits how fast clients are admitted when many connect at once.

    take_slot() -> 0: admitted now      2: admitted in 2 s      Crowded: the queue is full; retry in so many ms

Each client takes the next free slot. Clients of roles that need not wait are admitted at once. The others wait for
their slot while the queue is short; past that they are told to retry at a random time within the period that the queue
needs for all refused clients.

Knows nothing about clients and has no timers: the caller waits.
"""

import random
from collections.abc import Callable

from channels.errors import ChannelError
from channels.limit import ADMISSION_BURST, ADMISSION_RATE, MAX_LINE_SECONDS


class Crowded(ChannelError):
    """The queue is full; the client may retry after `retry_after` ms."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many come in at once")
        self.retry_after = retry_after


class Admission:
    """The admission queue of one worker: `rate` slots a second, `burst` after a pause; `clock` is in seconds."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        rate: float = ADMISSION_RATE,
        burst: float = ADMISSION_BURST,
        max_line_seconds: float = MAX_LINE_SECONDS,
    ) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._max_line_seconds = max_line_seconds
        self._next = float("-inf")  # when the next slot is free
        self._sent_back = (
            0  # an estimate: each client that arrives while there is a queue counts as a refused one that retries
        )

    @property
    def has_queue(self) -> bool:
        """Tell whether a client that comes now has to wait."""
        return self._next > self._clock()

    def take_slot(self, *, waits: bool) -> float:
        """Take the next free slot and return the seconds until it; raises `Crowded` if the queue is full.

        With `waits` false the client takes a slot too, but is admitted before the slot is free.
        """
        now = self._clock()
        slot = max(self._next, now - self._burst / self._rate)
        wait = max(0.0, slot - now)
        if not wait:
            self._sent_back = 0
        elif not waits:
            wait = 0.0
        elif wait > self._max_line_seconds:
            raise Crowded(self._later(wait))
        else:
            self._sent_back = max(0, self._sent_back - 1)
        self._next = slot + 1 / self._rate
        return wait

    def _later(self, wait: float) -> int:
        self._sent_back += 1
        return int(1000 * (wait + random.uniform(0, self._sent_back / self._rate)))
