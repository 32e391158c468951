"""Reads a SQLite file in threads of its own: a query takes 0.1 ms of CPU, and 0.9 through the asynchronous driver.

    fetch() -> a thread of a few -> the whole query, in one step -> its rows

The asynchronous driver hands a query to its thread in five steps (cursor, execute, fetch, close, roll back), each with
a future and a turn of the event loop; most of a cold join was that. Only queries of one statement are read here: each
sees a snapshot of its own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, Executable, SelectBase, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.fixed_query import FixedQuery
from channels.journal.same_file import Check, trust

# The execution option of an engine that has a `Check` of its file, made before each connection.
CHECK_FILE = "check_file"

# Values by the name of their place in a query; a query with such places is made once in the life of a process.
Parameters = Mapping[str, Any] | None

# As long as other readers and writers of the file wait for it.
_BUSY_MS = 10_000


class FileReader:
    """The threads that read the file of an engine, each with a connection of its own."""

    def __init__(self, engine: AsyncEngine, threads: int) -> None:
        self._engine = _reading_engine(engine, threads)
        self._fixed: dict[SelectBase, FixedQuery] = {}
        self._is_closed = False
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="reads")

    async def fetch(self, query: Executable, parameters: Parameters = None) -> Sequence[Any]:
        """Return the rows of a query; raises what SQLAlchemy raises, and ConnectionError after `close`.

        A read that is given up goes on in its thread, and its rows are dropped.
        """
        self._check_open()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query, parameters)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():  # it was `close` that cancelled it
                self._check_open()
            raise

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectionError("the file is not read any more")

    def _read(self, query: Executable, parameters: Parameters) -> Sequence[Any]:
        if parameters is not None and isinstance(query, SelectBase):
            return self._as_fixed(query).rows(self._engine.raw_connection, parameters)
        with self._engine.connect() as connection:
            return connection.execute(query, parameters).all()

    def _as_fixed(self, query: SelectBase) -> FixedQuery:
        fixed = self._fixed.get(query)
        if fixed is None:
            fixed = self._fixed[query] = FixedQuery(query, self._engine.dialect)
        return fixed

    def close(self) -> None:
        """Begin no more reads, refuse those that wait for a thread, and close the connections."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()


def _reading_engine(engine: AsyncEngine, connections: int) -> Engine:
    check: Check = engine.get_execution_options().get(CHECK_FILE, trust)
    made = create_engine(engine.url.set(drivername="sqlite"), pool_size=connections, max_overflow=0)
    event.listen(made, "do_connect", lambda *_: check())
    event.listen(made, "connect", _on_connect)
    return made


def _on_connect(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
