"""Records the SQL statements that a process has a database execute, over whichever connection they go."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine


@contextmanager
def recorded(database: AsyncEngine, counts: Callable[[str], bool] = lambda _: True) -> Iterator[list[str]]:
    """Yield a list to which each statement on this database that counts is added from now on."""
    statements: list[str] = []

    def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # By name: a SQLite file is read through an engine of its own.
        if connection.engine.url.database == database.url.database and counts(statement):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
