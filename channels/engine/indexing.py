"""Keeps the index of texts close behind the journal, so that a message is found a few seconds after it was sent.

Every worker follows all topics; of two that index the same events, one stores them. What an index has not reached (all,
after an upgrade) is looked up once, at the start; then only topics that have moved.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice

from channels.errors import JournalUnavailable
from channels.journal.journal import Journal
from channels.pace import until_tick

# How late a message is found; after a start with a backlog, BACKLOG_SECONDS later.
INDEX_SECONDS = 2.0

# A backlog, which a server had not indexed when it stopped, waits for so long after the start: then a school comes
# back, and indexing would take a tenth of a core from it.
BACKLOG_SECONDS = 10.0

# Topics of one step, and the pause after it: ten times what the step took, within these bounds. A step passes 100
# events in 2 to 4 ms of CPU. So an index that has much to do takes a tenth of a core at most and keeps up with 2,000
# events a second; beside a busy server, where a step takes longer, it falls behind for a while.
TOPICS_AT_ONCE = 250
PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.04, 1.0
PAUSE_FACTOR = 10


class Indexing:
    """Follows the topics of which `is_searched` is true; a backlog is begun `backlog_seconds` after the start."""

    def __init__(
        self, journal: Journal, is_searched: Callable[[str], bool], *, backlog_seconds: float = BACKLOG_SECONDS
    ) -> None:
        self._journal = journal
        self._is_searched = is_searched
        self._backlog_seconds = backlog_seconds
        self._since: int | None = None
        self._behind: dict[str, None] = {}  # in order
        self._catching_up = asyncio.Lock()

    async def run(self, seconds: float) -> None:
        """Follow without an end; while the journal is away, wait for it."""
        with suppress(JournalUnavailable):
            await self._look()
            if self._behind:
                await asyncio.sleep(self._backlog_seconds)
        while True:
            try:
                await self.catch_up()
            except JournalUnavailable:
                pass  # others say so; what this step has missed is looked up again
            await asyncio.sleep(until_tick(seconds))

    async def catch_up(self) -> None:
        """Index all that is stored by now."""
        async with self._catching_up:
            await self._look()
            while self._behind:
                some = list(islice(self._behind, TOPICS_AT_ONCE))
                began = time.monotonic()
                more = await self._journal.follow(some)
                took = time.monotonic() - began
                for name in some:
                    if name not in more:
                        del self._behind[name]
                if self._behind:
                    await asyncio.sleep(min(max(PAUSE_SECONDS, PAUSE_FACTOR * took), MAX_PAUSE_SECONDS))

    async def _look(self) -> None:
        moves = await self._journal.moved(self._since)
        moved: Iterable[str] = moves.heads
        if self._since is None:
            moved = await self._journal.unindexed()
        self._behind.update((name, None) for name in moved if self._is_searched(name))
        self._since = moves.next
