"""How an import writes: on PostgreSQL in one transaction, on SQLite in many short ones.

SQLite has one writer at a time. Written in one transaction, a first import of 100,000 users kept others from writing
for 75 s on a busy machine, and their sign-ins failed after 10 s. So on SQLite an import first writes what nobody sees
yet, some rows at a time (`in_batches`), and its last transaction only switches that on. Readers see all of an import or
nothing, as on PostgreSQL.

One import or undo runs at a time: PostgreSQL has an advisory lock for it, which ends with the transaction, and SQLite a
locked file beside the database, which ends with the process.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import IO

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from server.databases import DbSessions, connected

# Any number, the same in every process: of two imports into one PostgreSQL the second waits for the first.
_LOCK = 0x1005A
# How often a waiting import tries the lock; an import takes seconds or minutes.
_POLL_SECONDS = 0.1

# Rows of one short transaction: some 30 ms of an idle machine, 300 ms of a busy one.
ROWS_AT_ONCE = 2_000
# SQLite's waiting writers look again after 100 ms at the latest, and it gives them no place in a line: a pause of that
# length lets one through.
PAUSE_SECONDS = 0.1


class Steps:
    """The steps of one import, all on one connection, which has its temporary tables."""

    def __init__(self, connection: AsyncConnection, whole: AsyncSession | None) -> None:
        self._connection = connection
        self._whole = whole

    @property
    def are_many(self) -> bool:
        """Whether each step commits, so that others see what it has written."""
        return self._whole is None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Read one snapshot, and write temporary tables."""
        async with self._step(writes=False) as db:
            yield db

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Write; on SQLite others wait with their writes meanwhile."""
        async with self._step(writes=True) as db:
            yield db

    async def in_batches(self, numbers: range, work: Callable[[AsyncSession, range], Awaitable[None]]) -> None:
        """Do something with all of these numbers: some at a time, each time in a transaction of its own."""
        size = ROWS_AT_ONCE if self.are_many else max(1, len(numbers))
        for start in range(numbers.start, numbers.stop, size):
            async with self.writing() as db:
                await work(db, range(start, min(start + size, numbers.stop)))
            if start + size < numbers.stop:
                await asyncio.sleep(PAUSE_SECONDS)

    @asynccontextmanager
    async def _step(self, *, writes: bool) -> AsyncIterator[AsyncSession]:
        if self._whole is not None:
            yield self._whole
            return
        await self._connection.execution_options(writes=writes)
        async with AsyncSession(self._connection, expire_on_commit=False) as db, db.begin():
            yield db


@asynccontextmanager
async def taking_steps(sessions: DbSessions) -> AsyncIterator[Steps]:
    """Wait for other imports to end, then take steps; raise DatabaseUnavailable if the database does not answer."""
    async with connected(sessions) as connection, AsyncExitStack() as stack:
        if connection.dialect.name == "sqlite":
            await _lock_file(stack.enter_context(_open(f"{connection.engine.url.database}-import")))
            try:
                yield Steps(connection, None)
            finally:
                # Its temporary tables would stay with it.
                await connection.invalidate()
            return
        whole = await stack.enter_async_context(AsyncSession(connection, expire_on_commit=False))
        await stack.enter_async_context(whole.begin())
        await whole.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield Steps(connection, whole)


def _open(path: str) -> IO[str]:
    return open(path, "a")


async def _lock_file(file: IO[str]) -> None:
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_POLL_SECONDS)
