"""Tells whether a SQLite file has changed, so that a poll that would find nothing new asks nothing.

    read() -> PRAGMA data_version on a connection that is kept: another number after each commit of any other connection

That takes 3 µs on the event loop's thread, and waits for no lock; a query in a thread takes 0.1 ms and wakes the loop
twice more, and one through the asynchronous driver takes 1 ms. A commit is seen as soon as a query would see it: read
the version first, then query, and what the query misses changes the version.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.file_reader import CHECK_FILE
from channels.journal.same_file import Check, trust

# Which connection read it, and its number: those of two connections say nothing of each other.
Version = tuple[int, int]


class FileVersion:
    """The version of an engine's file, for the thread that reads it first; of another database it is never known."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._is_file = engine.dialect.name == "sqlite"
        self._path = engine.url.database or ""
        self._check: Check = engine.get_execution_options().get(CHECK_FILE, trust)
        self._connection: sqlite3.Connection | None = None
        self._opened = 0

    def read(self) -> Version | None:
        """Return the version, equal to an earlier one only where nothing was committed between; None: not known now."""
        if not self._is_file:
            return None
        try:
            if self._connection is None:
                self._connection = self._open()
            ((version,),) = self._connection.execute("PRAGMA data_version").fetchall()
        except (sqlite3.Error, OSError):
            self._drop()
            return None
        return self._opened, version

    def _open(self) -> sqlite3.Connection:
        self._check()
        self._opened += 1
        uri = f"{Path(self._path).absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close the connection; the version is not known any more."""
        self._is_file = False
        self._drop()
