"""Keeps the index of texts close behind the journal, so that a message is found a few seconds after it was sent.

Every worker follows all topics; of two that index the same events, one stores them. What an index has not reached (all,
after an upgrade) is looked up once, at the start; then only topics that have moved.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from channels.errors import JournalUnavailable
from channels.journal.journal import Journal

# A message is found as late as this.
INDEX_SECONDS = 2.0

# Topics of one step, and the pause after it: an index that has much to do takes a tenth of a core at most.
TOPICS_AT_ONCE = 250
PAUSE_SECONDS = 0.1


class Indexing:
    """Follows the topics of which `is_searched` is true."""

    def __init__(self, journal: Journal, is_searched: Callable[[str], bool]) -> None:
        self._journal = journal
        self._is_searched = is_searched
        self._since: int | None = None
        self._behind: deque[str] = deque()
        self._catching_up = asyncio.Lock()

    async def run(self, seconds: float) -> None:
        """Follow without an end; while the journal is away, wait for it."""
        while True:
            try:
                await self.catch_up()
            except JournalUnavailable:
                pass  # others say so; what this step has missed is looked up again
            await asyncio.sleep(seconds)

    async def catch_up(self) -> None:
        """Index all that is stored by now."""
        async with self._catching_up:
            topics = await self._moved()
            while topics:
                some = list(islice(topics, TOPICS_AT_ONCE))
                if not await self._journal.follow(some):
                    for _ in some:
                        topics.popleft()
                if topics:
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _moved(self) -> deque[str]:
        if self._since is None:
            moves = await self._journal.moved(None)
            self._behind.extend(self._searched(await self._journal.unindexed(None)))
        else:
            moves = await self._journal.moved(self._since)
            moved = self._searched(list(moves.heads))
            if moved:
                self._behind.extend(await self._journal.unindexed(moved))
        self._since = moves.next
        return self._behind

    def _searched(self, topics: Sequence[str]) -> list[str]:
        return [name for name in topics if self._is_searched(name)]
