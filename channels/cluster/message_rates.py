"""How much was counted per topic in each of the last minutes, on all workers.

Each worker counts by itself and sends the others its numbers, not its increments: the next message makes up for a lost
one. Clocks of machines differ, so a worker sends its running minute along, and its minutes are read by that. The clock
that is passed in must not jump; it begins near the time of day, so that minutes end together on all machines.
"""

from collections.abc import Callable

# A lesson's length, more or less: what the dashboard's small charts show.
CHART_MINUTES = 30

MINUTE = 60  # s

# Minutes by which clocks seem to differ because messages take time and minutes end in between.
TOLERATED_MINUTES = 1

# minute since 1970 -> topic -> number
Counts = dict[int, dict[str, int]]


class Other:
    """The counts of another worker, by its own minutes; `ahead` is how many minutes our clock is ahead of its clock."""

    __slots__ = ("ahead", "counts")

    def __init__(self) -> None:
        self.counts: Counts = {}
        self.ahead = 0

    def receive(self, counts: Counts, minute: int, ours: int) -> None:
        """Replace the minutes that were sent; those outside the chart as it is there cannot be right."""
        ahead = ours - minute
        if abs(ahead) <= TOLERATED_MINUTES:
            self.ahead = 0
        elif abs(ahead - self.ahead) > TOLERATED_MINUTES:
            self.ahead = ahead
        self.counts |= {each: counts[each] for each in counts if minute - CHART_MINUTES < each <= minute}
        for each in [each for each in self.counts if each > minute]:  # its clock was set back
            del self.counts[each]

    def by_our_minutes(self) -> Counts:
        """Return the counts by the minutes of our clock."""
        return {minute + self.ahead: counts for minute, counts in self.counts.items()}

    def forget(self, ours: int) -> None:
        """Drop the minutes that the chart does not show any more."""
        _forget(self.counts, ours - self.ahead)


class MessageRates:
    """The counts of every worker; they grow only with topics in which something is counted.

    `clock` returns seconds since 1970, never jumps, and may be wrong.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._own: Counts = {}
        self._others: dict[str, Other] = {}
        self._forgotten_at = 0
        self._watched: list[dict[str, int]] = []

    @property
    def minute(self) -> int:
        """Return the running minute."""
        return int(self._clock() // MINUTE)

    def now(self) -> tuple[int, float]:
        """Return the running minute, and how much of it has passed, from 0 to 1."""
        minute, seconds = divmod(self._clock(), MINUTE)
        return int(minute), seconds / MINUTE

    def add(self, topic: str) -> None:
        """Count one on this worker, now."""
        minute = int(self._clock() // MINUTE)  # not by the property: once per message
        counts = self._own.get(minute)
        if counts is None:
            self._forget(minute)
            counts = self._own[minute] = {}
        counts[topic] = counts.get(topic, 0) + 1
        self._note(topic, minute)

    def own(self) -> Counts:
        """Return all of this worker's counts."""
        return self._own

    def own_newest(self) -> Counts:
        """Return this worker's counts of the running minute and the one before, which may just have ended."""
        minute = self.minute
        return {each: self._own[each] for each in (minute - 1, minute) if each in self._own}

    def receive(self, worker: str, counts: Counts, minute: int) -> None:
        """Take what another worker has counted, whose running minute is `minute`; it stays when that worker goes."""
        ours = self.minute
        if counts:
            other = self._others.setdefault(worker, Other())
            before = other.by_our_minutes()
            other.receive(counts, minute, ours)
            self._note_changes(before, other.by_our_minutes())
        self._forget(ours)

    def watch(self) -> dict[str, int]:
        """Return a map to which every topic is added whose counts change, with the oldest minute that has changed.

        The caller empties it. It grows to the number of topics at most. The passing of a minute is no change.
        """
        watched: dict[str, int] = {}
        self._watched.append(watched)
        return watched

    def counts(self, topic: str, since: int, last: int) -> list[int]:
        """Return the counts of a topic in the minutes from `since` to `last`, the newest CHART_MINUTES of them."""
        return [self._count(topic, minute) for minute in range(max(since, last - CHART_MINUTES + 1), last + 1)]

    def _count(self, topic: str, minute: int) -> int:
        count = self._own[minute].get(topic, 0) if minute in self._own else 0
        for other in self._others.values():
            count += other.counts.get(minute - other.ahead, {}).get(topic, 0)
        return count

    def _note_changes(self, before: Counts, after: Counts) -> None:
        for minute in before.keys() | after.keys():
            for topic, _ in before.get(minute, {}).items() ^ after.get(minute, {}).items():
                self._note(topic, minute)

    def _note(self, topic: str, minute: int) -> None:
        for watched in self._watched:
            watched[topic] = min(watched.get(topic, minute), minute)

    def _forget(self, minute: int) -> None:
        if minute == self._forgotten_at:
            return
        self._forgotten_at = minute
        _forget(self._own, minute)
        for worker, other in list(self._others.items()):
            other.forget(minute)
            if not other.counts:
                del self._others[worker]


def _forget(counts: Counts, newest: int) -> None:
    for minute in [minute for minute in counts if minute <= newest - CHART_MINUTES]:
        del counts[minute]
