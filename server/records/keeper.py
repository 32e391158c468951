"""What a running server does for the records by itself: erasures that the office asked for, or whose process has died.

All workers look; one of them claims what there is to do, by a row of the audit database.
"""

import asyncio

from server.clock import Clock, now_ms
from server.databases import Databases, reading, writing
from server.databases.erasures import begin_again, unfinished
from server.records.erase import Eraser
from server.tasks import cancel, keep_checking

# How soon an erasure begins. A look is a read of a short list, under a millisecond.
CHECK_SECONDS = 2.0
# An erasure that has taken so long is given up by its process: even a journal of 10 million events takes a minute.
STALE_MS = 10 * 60_000


class Keeper:
    """One worker's part of it."""

    def __init__(self, databases: Databases, clock: Clock = now_ms) -> None:
        self._databases = databases
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(keep_checking(self.check, CHECK_SECONDS, "the records were not looked after"))

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            await cancel(self._task)

    async def check(self) -> None:
        """Do what there is to do; raises DatabaseUnavailable."""
        async with reading(self._databases.sessions("audit")) as db:
            waiting = await unfinished(db, self._clock() - STALE_MS)
        for erasure in waiting:
            async with writing(self._databases.sessions("audit")) as db:
                is_mine = await begin_again(db, erasure, self._clock())
            if is_mine:
                await Eraser(self._databases).finish(erasure.user_id)
