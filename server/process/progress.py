"""Keeps in each database how far the other one has come, while a worker runs.

So the next start notices an older copy of one of them, and a write-ahead file that was deleted (databases/pairing.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from channels.pace import until_tick
from server.databases import Databases
from server.databases.errors import DatabaseError, DatabasesApart
from server.process.long_logs import LongLogs

log = logging.getLogger(__name__)

# Events of the last seconds before a crash may be lost unnoticed with their file; a stop in order records all. Of
# files that have not changed nothing is read; otherwise three short reads and rarely a write cost about 3 ms of CPU.
RECORD_SECONDS = 2.0
# How long a stop, whose time is limited, waits for each of the last two records.
LAST_SECONDS = 0.5


@asynccontextmanager
async def recording_progress(databases: Databases, *, record_seconds: float = RECORD_SECONDS) -> AsyncIterator[None]:
    """Record during the block, and once after it."""
    recording = asyncio.create_task(_record_repeatedly(databases, record_seconds))
    try:
        yield
    finally:
        recording.cancel()
        await asyncio.wait([recording], timeout=LAST_SECONDS)
        if recording.done():  # no database hangs
            last = asyncio.create_task(_record(databases))
            await asyncio.wait([last], timeout=LAST_SECONDS)
            last.cancel()


async def _record_repeatedly(databases: Databases, seconds: float) -> None:
    logs = LongLogs(databases)
    while await _record(databases):
        logs.look()
        await asyncio.sleep(until_tick(seconds))


async def _record(databases: Databases) -> bool:
    """Record once; return False, and log it, where a database went back while it was in use."""
    # A database that is away is reported by those who need it.
    with suppress(DatabaseError):
        try:
            await databases.record_progress()
        except DatabasesApart as error:
            log.error("Stop Lousa: %s", error)
            return False
    return True
