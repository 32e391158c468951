"""The counters of topics as a writer's own last transactions left them.

While nobody else writes to these topics, they need not be read again before the next compare-and-swap
(`channels.journal.postgresql_swap`), which finds out where somebody has. That is one round trip less for most batches.
"""

from collections.abc import Iterable, Mapping

from channels.journal.entry import Counter

# Those of a large school; 2 MB. Past it all others are forgotten, and read again as they are needed.
MAX_KNOWN = 10_000

# Batches that read their counters, after one that was compared in vain: others write to its topics, or clients send
# again what is stored, probably more than once. So at most one batch in 17 costs a round trip for nothing.
READ_BATCHES = 16


class KnownCounters:
    """For one writer; `max_known` counters at most."""

    def __init__(self, *, max_known: int = MAX_KNOWN) -> None:
        self._max_known = max_known
        self._counters: dict[str, Counter] = {}
        self._reading = 0

    def of(self, topics: Iterable[str]) -> dict[str, Counter] | None:
        """Return copies of the counters of these topics, or None if one of them has to be read first."""
        if self._reading:
            self._reading -= 1
            return None
        found = {}
        for topic in topics:
            counter = self._counters.get(topic)
            if counter is None:
                return None
            found[topic] = Counter(counter.id, counter.seq, counter.governed)
        return found

    def keep(self, counters: Mapping[str, Counter]) -> None:
        """Note the counters as a transaction has left them."""
        self._counters.update(counters)
        if len(self._counters) > self._max_known:
            self._counters = dict(counters)

    def forget(self, topics: Iterable[str]) -> None:
        """Forget the counters of topics that are written otherwise."""
        for topic in topics:
            self._counters.pop(topic, None)

    def note_vain(self, topics: Iterable[str]) -> None:
        """Note that a batch of these topics was compared in vain."""
        self.forget(topics)
        self._reading = READ_BATCHES

    def clear(self) -> None:
        """Forget all: nobody knows what became of a transaction."""
        self._counters.clear()
