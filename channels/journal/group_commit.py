"""When the next transaction begins: at once on an idle server, and a little later where waiting saves work.

A transaction has a cost of its own, whatever it stores, and so has writing to a topic's clients, however many events
they get. So what comes within a few milliseconds is stored and delivered together (group commit).
"""

import asyncio

from channels.journal.batch import Batch

# A push that comes while another one is being stored says for so long that more will: then a transaction waits as
# below. Otherwise it begins at once: a client that waits for each reply before its next push never waits here.
BUSY_SECONDS = 0.1

# Transactions begin this far apart on average; some may follow each other at once. A transaction costs 0.3 ms of the
# writer's CPU and a turn of the event loop. With 1,000 pushes a second to 250 classes the last delivery comes after
# 2.3 to 2.5 ms (p50; p99 6 to 9), with 2,500 after 4 to 5. If each batch waits for as long as the last one took
# instead, a slow batch slows down the next: p99 was 13 to 21 ms with 1,000 a second, and p50 14 to 28 ms with 2,500.
INTERVAL_SECONDS = 0.002
MAX_EARLY = 4

# Where the events of the last batch shared topics, a transaction waits so long for more, then until none has come for a
# moment (the second), but no longer than the third, and never longer than what was saved by delivering those events
# together. To a class of 2,000 with 64 in flight a delivery costs 0.24 µs of CPU without, 0.14 so: writing to all takes
# 12 ms, and the first few pushes after that would have it done alone.
COLLECT_SECONDS = 0.004
QUIET_SECONDS = 0.0015
MAX_COLLECT_SECONDS = 0.012


class GroupCommit:
    """When the transactions of one queue begin; times are those of the event loop's clock."""

    def __init__(
        self,
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        collect_seconds: float = COLLECT_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        max_collect_seconds: float = MAX_COLLECT_SECONDS,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._collect_seconds = collect_seconds
        self._quiet_seconds = quiet_seconds
        self._max_collect_seconds = max_collect_seconds
        self._due = 0.0  # when the next transaction may begin
        self._appended_at = 0.0
        self._saved_seconds = 0.0  # by delivering the last batch together
        self._busy_until = 0.0

    def note_append(self, now: float, *, alone: bool) -> None:
        """Note that something more waits to be stored; `alone`: nothing else does, nor is being stored."""
        self._appended_at = now
        if not alone:
            self._busy_until = now + BUSY_SECONDS

    def note_delivery(self, seconds: float, batch: Batch, now: float) -> None:
        """Note what the event loop needed to deliver a batch, and has done now."""
        entries = sum([len(group.entries) for group in batch.groups])
        if entries:
            self._saved_seconds = seconds * (1 - len(batch.topics) / entries)
        if len(batch.groups) > 1:
            self._busy_until = now + BUSY_SECONDS

    async def wait(self, closing: asyncio.Event) -> None:
        """Return when the next transaction is to begin; soon where `closing` is set."""
        time = asyncio.get_running_loop().time
        now = time()
        if now >= self._busy_until:
            return
        self._due = max(self._due, now - MAX_EARLY * self._interval_seconds)
        longest = now + min(self._max_collect_seconds, self._saved_seconds)
        until = max(self._due, min(now + self._collect_seconds, longest))
        while (wait := until - time()) > 0 and not closing.is_set():
            await asyncio.sleep(wait)
            until = max(self._due, min(self._appended_at + self._quiet_seconds, longest))
        self._due += self._interval_seconds
