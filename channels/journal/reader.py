"""Reading the journal within a time, and with few connections at once."""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import JournalUnavailable
from channels.journal.availability import Availability
from channels.journal.file_reader import FileReader, Parameters
from channels.journal.postgresql_connection import BROKEN
from channels.journal.queries import Query

T = TypeVar("T")

# Reads under way at once: as many as the database has connections for, and a bound on what their rows hold.
MAX_READING = 8

# A read that takes longer counts as unavailable, as a commit does: joins must fail within 5 s, too.
READ_SECONDS = 4.0


def one_by_one(engine: AsyncEngine) -> AsyncEngine:
    """Return an engine on the same connections whose statements are each a transaction of its own.

    Of one statement a transaction costs PostgreSQL two more round trips, BEGIN and ROLLBACK, and gives nothing: at READ
    COMMITTED each statement sees a snapshot of its own anyway. SQLite's begin costs no round trip.
    """
    if engine.dialect.name != "postgresql":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


async def fetch_from(engine: AsyncEngine, query: Query, parameters: Parameters = None) -> Sequence[Any]:
    """Return the rows of a query; a connection whose answer may still come is not used again."""
    async with engine.connect() as connection:
        try:
            return (await connection.execute(query, parameters)).all()
        except asyncio.CancelledError:
            await connection.invalidate()
            raise


class Reader:
    """Executes queries; each answers within `seconds`, or raises `JournalUnavailable`."""

    def __init__(self, engine: AsyncEngine, seconds: float) -> None:
        self._engine = one_by_one(engine)
        self._file = FileReader(engine, MAX_READING) if engine.dialect.name == "sqlite" else None
        self._seconds = seconds
        self._slots = asyncio.Semaphore(MAX_READING)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.reading = Availability("read")
        self._is_closed = False

    async def fetch(self, query: Query, parameters: Parameters = None) -> Sequence[Any]:
        """Return the rows of a query; the log tells once when reading fails and when it works again."""
        # The wait for a slot counts, too: of a thousand joins that wait for a database that hangs, each fails in time.
        # Each client waits for one read at most, which bounds them.
        try:
            rows = await self._fetch(query, parameters)
        except JournalUnavailable as away:
            if not self._is_closed:  # who leaves in the last moment of a stop may still read
                self.reading.failed(away)
            raise
        self.reading.succeeded()
        return rows

    async def in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what some work with the database returns, or raise `JournalUnavailable` when it is late."""
        # A task of its own, because giving up a connection that hangs takes SQLAlchemy 2 s more.
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await self._within_time(asyncio.shield(task))
        finally:
            task.cancel()

    async def _within_time(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._seconds):
                return await work
        except (IntegrityError, ProgrammingError, DataError):
            raise  # the query is wrong; the database is well
        except (DBAPIError, PoolTimeoutError, OSError, TimeoutError, BROKEN) as error:
            raise JournalUnavailable(str(getattr(error, "orig", None) or error) or "it does not answer") from error

    def close(self) -> None:
        """Close the connections. What is read from now on may fail, and the log says nothing of it."""
        self._is_closed = True
        if self._file is not None:
            self._file.close()

    async def _fetch(self, query: Query, parameters: Parameters) -> Sequence[Any]:
        if self._file is not None:  # a read that is given up goes on in its thread, and nobody waits for it
            return await self._within_time(self._file.fetch(query, parameters))
        return await self.in_time(self._fetch_in_slot(query, parameters))

    async def _fetch_in_slot(self, query: Query, parameters: Parameters) -> Sequence[Any]:
        async with self._slots:
            return await fetch_from(self._engine, query, parameters)
