"""Transactions of an SQLite journal beside those of its writer: in a thread, in turn with the writers.

Freed bytes are zeroed. In the event loop each statement would wait for a turn, and the writers with it.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from channels.journal.write_lock import WriteLock

T = TypeVar("T")

# How long (s) a transaction waits for the writers' lock, and for SQLite's: longer than any of them takes.
LOCK_SECONDS = 10.0
BUSY_SECONDS = 10.0


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
            # What is deleted or replaced is overwritten with zeros, in the file as in the log that is copied into it.
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            result = work(connection)
            connection.commit()
            return result
    finally:
        lock.close()


def checkpoint(engine: Engine) -> None:
    """Copy the write-ahead log into the file, as far as no reader needs it: only then the file gets shorter."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
