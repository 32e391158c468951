"""Starts a few requests in each turn of the event loop; the others wait for the next turns, in order.

A request takes up to a millisecond, and all that have arrived could be handled in one turn, for which everybody else
would wait. A connection has one request at a time, so that a client that sends many of them gets one turn of many, as
everybody else: nobody's requests delay others' by more than one turn for each connection.
"""

import asyncio
from collections import deque

# A turn is at most 8 ms longer, and 1,000 clients a second are still let in (channels.limit.ADMISSION_RATE).
STARTED_AT_ONCE = 8


class Turns:
    """Distributes requests over turns of the event loop."""

    def __init__(self, started_at_once: int = STARTED_AT_ONCE) -> None:
        self._started_at_once = started_at_once
        self._left = started_at_once
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._next: asyncio.Handle | None = None

    def take(self) -> "asyncio.Future[None] | None":
        """Return None if a request may start now, else what to await before."""
        if self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._turn)
        if self._left:
            self._left -= 1
            return None
        self._waiting.append(asyncio.get_running_loop().create_future())
        return self._waiting[-1]

    def _turn(self) -> None:
        self._next, self._left = None, self._started_at_once
        while self._waiting and self._left:
            first = self._waiting.popleft()
            if not first.done():  # cancelled: its connection is gone
                first.set_result(None)
                self._left -= 1
        if self._left < self._started_at_once:
            self._next = asyncio.get_running_loop().call_soon(self._turn)
