"""Transactions of an SQLite journal beside those of its writer: in a thread, in turn with the writers.

Freed bytes are zeroed. In the event loop each statement would wait for a turn, and the writers with it.

A checkpoint copies the write-ahead log into the file, and need not wait for writers. But with SQLite before 3.51.3 a
transaction can be lost that is committed just when a checkpoint begins of a log that was copied whole before
(https://sqlite.org/wal.html#walresetbug). With such a release, checkpoints take turns with the writers.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from channels.journal.sqlite import TURN_PRAGMAS
from channels.journal.write_lock import WriteLock

T = TypeVar("T")

# How long (s) a transaction waits for the writers' lock, and for SQLite's: longer than any of them takes.
LOCK_SECONDS = 10.0
BUSY_SECONDS = 10.0

# How long (ms) a checkpoint that is to empty the log waits for readers, and the writers with it. It is tried again.
CHECKPOINT_MS = 50


def open_file(url: URL) -> Engine:
    """Return the engine for a journal's file, which opens a connection for each transaction."""
    connect_args = {"timeout": BUSY_SECONDS, "isolation_level": None}
    return create_engine(url.set(drivername="sqlite"), poolclass=NullPool, connect_args=connect_args)


def exclusively(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Run a function in one writing transaction, in turn with the workers' writers; for a thread."""
    lock = WriteLock(f"{engine.url.database}-turn")
    try:
        lock.acquire(LOCK_SECONDS)
        with engine.connect() as connection:
            for pragma in TURN_PRAGMAS:
                connection.exec_driver_sql(pragma)
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            result = work(connection)
            connection.commit()
            return result
    finally:
        lock.close()


def resets_safely(version: tuple[int, int, int]) -> bool:
    """Return whether a version of SQLite loses nothing that is committed while a checkpoint begins."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)


RESETS_SAFELY = resets_safely(sqlite3.sqlite_version_info)


@contextmanager
def in_turn_where_needed(path: str) -> Iterator[None]:
    """Let the block make checkpoints of the journal at `path`; its writers wait meanwhile where they have to.

    Raises TimeoutError where another process writes for too long.
    """
    if RESETS_SAFELY:
        yield
        return
    lock = WriteLock(f"{path}-turn")
    try:
        lock.acquire(LOCK_SECONDS)
        yield
    finally:
        lock.close()


def checkpoint(engine: Engine, mode: str = "PASSIVE") -> bool:
    """Copy the write-ahead log into the journal's file, which may get shorter only so; for a thread.

    `mode`: PASSIVE copies what no reader keeps from it; TRUNCATE copies all and empties the log. Return whether nobody
    prevented it; PASSIVE is prevented by another checkpoint only.
    """
    path = engine.url.database
    assert path, "a journal's file has a path"
    with in_turn_where_needed(path), engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={CHECKPOINT_MS}")
        busy, _, _ = connection.exec_driver_sql(f"PRAGMA wal_checkpoint({mode})").one()
        return not busy
