"""How fast clients may come in, when all come at once: so many a second, and nobody waits for long in vain.

    take_slot() -> 0: come in          2: the line is that long          Crowded: come back in so many ms

Whoever comes is given the next free moment. Those who teach need not wait for theirs, the others wait in line as long
as it is short; the rest are told to come back at a time of chance, within what the line needs for all who were told so.

Knows no clients, and has no timers: who waits is the caller's.
"""

import random
from collections.abc import Callable

from channels.errors import ChannelError
from channels.limit import ADMISSION_BURST, ADMISSION_RATE, MAX_LINE_SECONDS
from channels.member import Role


class Crowded(ChannelError):
    """The line is too long; the client may come back in `retry_after` ms."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many come in at once")
        self.retry_after = retry_after


class Admission:
    """The line at one worker's door; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = float("-inf")  # the next free moment
        self._sent_back = 0  # and not in yet, as far as we can tell: whoever comes while there is a line is one of them

    def take_slot(self, role: Role) -> float:
        """Take the next free moment, and return the seconds until it; raises `Crowded`, and takes none."""
        now = self._clock()
        moment = max(self._next, now - ADMISSION_BURST / ADMISSION_RATE)
        wait = max(0.0, moment - now)
        if not wait:
            self._sent_back = 0
        elif role is not Role.STUDENT:
            wait = 0.0
        elif wait > MAX_LINE_SECONDS:
            raise Crowded(self._later(wait))
        else:
            self._sent_back = max(0, self._sent_back - 1)
        self._next = moment + 1 / ADMISSION_RATE
        return wait

    def _later(self, wait: float) -> int:
        self._sent_back += 1
        return int(1000 * (wait + random.uniform(0, self._sent_back / ADMISSION_RATE)))
