"""How many messages each class had in each of the last minutes, on all workers.

Each worker counts what it has committed itself and tells the others its numbers, not its increments: a lost telling is
mended by the next one.
"""

# A lesson's length, more or less: what the dashboard's small charts show.
CHART_MINUTES = 30

MINUTE = 60_000  # ms

# minute since 1970 -> topic -> messages
Counts = dict[int, dict[str, int]]

# Under which this worker's own counts stand; no worker is called so.
_OWN = ""


class MinuteCounts:
    """The counts of every worker; they grow only with classes in which something is said."""

    def __init__(self) -> None:
        self._workers: dict[str, Counts] = {_OWN: {}}

    def add(self, topic: str, at: int) -> None:
        """Count one message of this worker's, at a time (ms since 1970)."""
        minute = at // MINUTE
        own = self._workers[_OWN]
        if minute not in own:
            self._expire(minute)
        counts = own.setdefault(minute, {})
        counts[topic] = counts.get(topic, 0) + 1

    def own(self) -> Counts:
        """Return all of this worker's counts."""
        return self._workers[_OWN]

    def own_newest(self, at: int) -> Counts:
        """Return this worker's counts of the running minute and the one before, which may just have ended."""
        own, minute = self._workers[_OWN], at // MINUTE
        return {each: own[each] for each in (minute - 1, minute) if each in own}

    def hear(self, worker: str, counts: Counts) -> None:
        """Take what another worker has counted; it stays when that worker goes."""
        if counts:
            self._workers.setdefault(worker, {}).update(counts)
            self._expire(max(counts))

    def series(self, at: int) -> list[dict[str, int]]:
        """Return, for each of the last minutes, oldest first and the running one last, the counts by topic."""
        last = at // MINUTE
        return [self._sum(minute) for minute in range(last - CHART_MINUTES + 1, last + 1)]

    def _sum(self, minute: int) -> dict[str, int]:
        total: dict[str, int] = {}
        for counts in self._workers.values():
            for topic, number in counts.get(minute, {}).items():
                total[topic] = total.get(topic, 0) + number
        return total

    def _expire(self, newest: int) -> None:
        for worker, counts in list(self._workers.items()):
            for minute in [minute for minute in counts if minute <= newest - CHART_MINUTES]:
                del counts[minute]
            if not counts and worker != _OWN:
                del self._workers[worker]
