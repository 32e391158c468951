"""Records the SQL statements that a process has a database execute, over whichever connection they go."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Pool, event
from sqlalchemy.ext.asyncio import AsyncEngine


@contextmanager
def recorded(database: AsyncEngine, counts: Callable[[str], bool] = lambda _: True) -> Iterator[list[str]]:
    """Yield a list to which each statement on this database that counts is added from now on."""
    statements: list[str] = []

    def keep(statement: str) -> None:
        if counts(statement):
            statements.append(statement)

    def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if connection.engine.url.database == database.url.database and not _is_traced(connection):
            keep(statement)

    # A SQLite file is read past SQLAlchemy's execution, on connections of its driver.
    def trace(connection: Any, *_: Any) -> None:
        if isinstance(connection, sqlite3.Connection) and _file_of(connection) == database.url.database:
            connection.set_trace_callback(keep)
            traced.append(connection)

    traced: list[sqlite3.Connection] = []
    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Pool, "checkout", trace)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        event.remove(Pool, "checkout", trace)
        for each in traced:
            each.set_trace_callback(None)


def _is_traced(connection: Any) -> bool:
    return isinstance(connection.connection.driver_connection, sqlite3.Connection)


def _file_of(connection: sqlite3.Connection) -> str:
    connection.set_trace_callback(None)
    return str(connection.execute("PRAGMA database_list").fetchone()[2])
