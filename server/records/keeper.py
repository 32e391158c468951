"""What a running server does for the records by itself: erasures that the office asked for, and retention each night.

All workers look when a note in the accounts says that the school has changed, and once a minute; one of them claims
what there is to do, by a row of the audit database.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from server.clock import Clock, now_ms
from server.databases import Databases, reading, writing
from server.databases.audit import Record, claim
from server.databases.erasures import Erasure, begin_again, unfinished
from server.databases.school import read_hours
from server.records.erase import Eraser
from server.records.retention import Retention
from server.tasks import cancel, keep_checking

# How often a worker looks by itself: for a night that has begun, and for an erasure whose process has died. A new one
# wakes it.
CHECK_SECONDS = 60.0
# An erasure that has taken so long is given up by its process: even a journal of 10 million events takes a minute.
STALE_MS = 10 * 60_000

# At this hour of the school's zone nobody is in class, and imports have not begun.
EXPIRY_HOUR = 2


class Keeper:
    """One worker's part of it."""

    def __init__(self, databases: Databases, clock: Clock = now_ms) -> None:
        self._databases = databases
        self._clock = clock
        self._night = ""
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(
            keep_checking(self.check, CHECK_SECONDS, "the records were not looked after", self._woken)
        )

    def wake(self) -> None:
        """Look now: the school has changed, and an erasure may be listed."""
        self._woken.set()

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            await cancel(self._task)

    async def check(self) -> None:
        """Do what there is to do; raises DatabaseUnavailable."""
        async with reading(self._databases.sessions("audit")) as db:
            waiting = await unfinished(db, self._clock() - STALE_MS)
        await self._erase(waiting)
        await self._expire()

    async def _erase(self, waiting: Sequence[Erasure]) -> None:
        for erasure in waiting:
            async with writing(self._databases.sessions("audit")) as db:
                is_mine = await begin_again(db, erasure, self._clock())
            if is_mine:
                await Eraser(self._databases).finish(erasure.user_id)

    async def _expire(self) -> None:
        """Delete what has expired, once a night: in the worker that is the first to note the night."""
        async with reading(self._databases.sessions("accounts")) as db:
            zone = ZoneInfo((await read_hours(db)).zone)
        night = _night(self._clock(), zone)
        if night == self._night:
            return
        retention = Retention(self._databases, self._clock)
        if await retention.has_expired() and await self._claim(f"retention {night}"):
            await retention.run()
        self._night = night

    async def _claim(self, key: str) -> bool:
        async with writing(self._databases.sessions("audit")) as db:
            return await claim(db, Record(key, self._clock(), "records:begun"))


def _night(now: int, zone: ZoneInfo) -> str:
    """Return the day of the school on which the newest night began to which it is EXPIRY_HOUR."""
    return (datetime.fromtimestamp(now / 1000, zone) - timedelta(hours=EXPIRY_HOUR)).date().isoformat()
