"""Limits how fast each user may open connections: one token bucket per user, dropped when it is full again.

Checked before a slot of the admission queue is taken, so that one user's handshakes cannot fill the queue.
"""

from collections.abc import Callable

from channels.limit import HANDSHAKE_BURST, HANDSHAKE_RATE
from channels.sessions.token_bucket import TokenBucket


class HandshakeRates:
    """The handshake rates of one worker's users; `clock` is in seconds."""

    def __init__(
        self, clock: Callable[[], float], *, rate: float = HANDSHAKE_RATE, burst: float = HANDSHAKE_BURST
    ) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._buckets: dict[int, TokenBucket] = {}  # the least recently used first

    def __len__(self) -> int:
        return len(self._buckets)

    def seconds_until_handshake(self, user_id: int) -> float:
        """Count one handshake of a user; return 0 if it is allowed, else the seconds until it is."""
        now = self._clock()
        bucket = self._buckets.pop(user_id, None) or TokenBucket(self._rate, self._burst, now)
        wait = bucket.take(now)
        self._buckets[user_id] = bucket
        self._forget_full(now)
        return wait

    def _forget_full(self, now: float) -> None:
        # A full bucket equals a new one. Each bucket is removed once, so this costs O(1) per handshake.
        while (first := next(iter(self._buckets), None)) is not None and self._buckets[first].full(now):
            del self._buckets[first]
