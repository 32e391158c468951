"""A rate limit with a burst, by a clock that is passed in."""


class TokenBucket:
    """A rate with a burst: `rate` tokens a second, at most `burst` kept; a rate of 0 is no limit.

    `tokens` is how many there were when it was last used.
    """

    __slots__ = ("_at", "_burst", "_rate", "tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self.tokens = burst
        self._at = now

    def take(self, now: float, cost: float = 1.0) -> float:
        """Take a token, or `cost` of them: 0 if there were so many, else the seconds until there will be."""
        if not self._rate:
            return 0.0
        self._refill(now)
        if self.tokens >= cost:
            self.tokens -= cost
            return 0.0
        return (cost - self.tokens) / self._rate

    def full(self, now: float) -> bool:
        """Tell whether the bucket is full, as a new one is."""
        self._refill(now)
        return self.tokens >= self._burst

    def _refill(self, now: float) -> None:
        self.tokens = min(self._burst, self.tokens + (now - self._at) * self._rate)
        self._at = now
