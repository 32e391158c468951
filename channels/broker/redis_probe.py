"""Whether what is published on one connection comes back on another: the only proof that both work together.

    tick -> publish probe 5 -> Redis -> returned(5): alive            no I/O and no clock here: the caller ticks

A PING proves no more than a TCP connection. After a failover behind one name the two connections may lead to two
servers, both of which answer, while nothing that is published arrives. So a probe is published on each tick.

Time is counted in ticks of the event loop, not read from a clock: a worker whose loop stood still for 3 s has sent no
probe in that time and would take its own silence for that of Redis.
"""

# A tick: how often a probe is published.
PROBE_SECONDS = 0.5

# After so many ticks without a probe the connections are doubted, and the journal is asked more often. A wrong guess
# costs a few queries.
DOUBT_TICKS = 2

# Where one connection is silent as well, both are dead after so many ticks: 3.5 to 4 s, under the 5 that are promised.
SILENT_TICKS = 6

# Where both receive data, a worker may only be behind with its reading, and replacing its connections would make that
# worse. After so many ticks, 10 s, the connections lead to different servers.
MISSED_TICKS = 20


class RedisProbe:
    """The judgement of one pair of connections."""

    def __init__(self) -> None:
        self.alive = False
        self._number = 0
        self._oldest = 1
        self._missed = 0
        self._silent = 0

    @property
    def doubted(self) -> bool:
        """Tell whether a probe that should be back is not."""
        return self._missed > DOUBT_TICKS

    @property
    def number(self) -> int:
        """Return the number of the newest probe."""
        return self._number

    def restart(self) -> None:
        """Begin anew because a connection is new or gone: probes published so far prove nothing."""
        self.alive = False
        self._oldest = self._number + 1
        self._missed = self._silent = 0

    def next(self) -> int:
        """Return the number of the next probe to publish."""
        self._number += 1
        return self._number

    def returned(self, number: int) -> bool:
        """Note that a probe came back; returns whether the pair is known to be alive only since this one."""
        if number < self._oldest:
            return False
        self._missed = self._silent = 0
        was_alive, self.alive = self.alive, True
        return not was_alive

    def refused(self) -> None:
        """Note that Redis answered a probe with an error: nothing arrives, but new connections would not help."""
        self.alive = False
        self._missed = self._silent = 0

    def tick(self, *, is_silent: bool) -> str | None:
        """Count a tick, in which a connection received nothing if `is_silent`; returns why to replace both, if so."""
        self._missed += 1
        self._silent = self._silent + 1 if is_silent else 0
        if self._silent > SILENT_TICKS or self._missed > MISSED_TICKS:
            return "what is published does not come back"
        return None
