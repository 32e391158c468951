"""Copies an SQLite file page by page inside one read transaction.

A copy outside of a transaction begins again whenever another process has written (`sqlite3 .backup`): it does not end
while people write. Inside of one it ends, and meanwhile the write-ahead file grows by what is written, because it
cannot be copied into the file under a reader. That bounds it: the rate of writing times the seconds of the copy. Where
the disk gets short before that, the backup gives up, not the school.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from channels.journal.files import RESETS_SAFELY, in_turn_where_needed
from channels.journal.sqlite import LOG_PAGE_BYTES
from channels.journal.write_lock import WriteLock
from server.backups.errors import BackupError
from server.databases.engine import SQLITE_BUSY_MS

# Pages copied in one step, 8 MB, and then put on the disk: an fsync of more would make the commits of others, which
# wait for the same disk, wait for longer.
STEP_PAGES = 2_000

# What a copy leaves free on the disk of the databases. With less, pushes would soon be refused.
MIN_FREE_BYTES = 256 * 1024 * 1024

# How long one attempt to hold the journal waits, ms.
WAIT_MS = 100

# How often the write-ahead file is copied into the database at the end: whoever writes meanwhile adds to it.
CHECKPOINTS = 5


@contextmanager
def failures_named(name: str) -> Iterator[None]:
    """Raise BackupError for what SQLite or the disk refuses."""
    try:
        yield
    except sqlite3.Error as error:
        raise BackupError(f"The database “{name}” cannot be copied: {error}.") from error
    except OSError as error:
        raise BackupError(f"The copy of “{name}” cannot be written: {error.strerror or error}.") from error


def connect(name: str, path: str) -> sqlite3.Connection:
    """Open a file that is there; raise BackupError."""
    if not os.path.isfile(path):
        raise BackupError(f"The database “{name}” is not there ({path}).")
    with failures_named(name):
        address = Path(path).absolute().as_uri() + "?mode=rw"
        return sqlite3.connect(address, uri=True, isolation_level=None, timeout=SQLITE_BUSY_MS / 1000)


class SqliteSnapshot:
    """One SQLite file at one moment."""

    kind = "sqlite"

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self.file = f"{name}.sqlite3"
        self.log_bytes = 0

    async def connect(self) -> None:
        """Open the file, and copy what is in its write-ahead file, so that the next commit begins that anew."""
        self._connection = connect(self._name, self._path)
        self._checkpoint()

    async def begin(self) -> None:
        """Begin to read: the snapshot is as the database is now."""
        with failures_named(self._name):
            self._open.execute("BEGIN")
            self._open.execute("SELECT count(*) FROM sqlite_schema").fetchone()

    async def bytes(self) -> int:
        """Return how large the copy will be."""
        return int(await self.value("PRAGMA page_count")) * int(await self.value("PRAGMA page_size"))

    async def value(self, query: str) -> Any:
        """Return the only value of a query."""
        with failures_named(self._name):
            return self._open.execute(query).fetchone()[0]

    async def copy(self, target: Path) -> None:
        """Write a checked copy, one file that needs no others beside it."""
        with failures_named(self._name):
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(target, isolation_level=None)) as copy, target.open("rb") as file:
                # Nobody reads it before it is whole, and it is put on the disk here.
                copy.execute("PRAGMA journal_mode=OFF")
                copy.execute("PRAGMA synchronous=OFF")
                self._open.backup(copy, pages=STEP_PAGES, progress=lambda *_: self._step(file.fileno()))
            await self.close()
            check(self._name, target)

    def _step(self, descriptor: int) -> None:
        os.fdatasync(descriptor)
        free = shutil.disk_usage(os.path.dirname(self._path) or ".").free
        if free < MIN_FREE_BYTES:
            raise BackupError(
                f"The disk of the databases is nearly full ({free // 2**20} MB free): the backup was given up, because "
                "the write-ahead file grows while it is made. Free some space first."
            )

    async def close(self) -> None:
        """End the snapshot, and copy what was written meanwhile into the database, before a writer has to."""
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self.log_bytes = self._checkpoint() * LOG_PAGE_BYTES
        finally:
            self._connection.close()
            self._connection = None

    def _checkpoint(self) -> int:
        # Returns how many pages the write-ahead file had. Only the journal's writers take turns: where that is needed,
        # the files of other databases are left to them.
        if RESETS_SAFELY or self._name == "journal":
            # It is to save the writers this work, and no more: without it, the backup is as good.
            with suppress(OSError), in_turn_where_needed(self._path):
                return self._copy_log()
        return 0

    def _copy_log(self) -> int:
        # PASSIVE waits for nobody, and SQLite lets others write meanwhile. The file may be longer than its pages.
        most = 0
        for _ in range(CHECKPOINTS):
            _, pages, copied = self._open.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            most = max(most, pages)
            if pages == copied:
                break
        return most

    @property
    def _open(self) -> sqlite3.Connection:
        assert self._connection is not None, "the snapshot has ended"
        return self._connection


@asynccontextmanager
async def held(path: str) -> AsyncIterator[None]:
    """Keep everybody from writing to the journal at `path` during the block; raise BackupError.

    In their line (write_lock), so that the hold comes as soon as a worker's would, and against those who have none.
    """
    lock = WriteLock(f"{path}-turn")
    try:
        lock.acquire(SQLITE_BUSY_MS / 1000)
        with closing(connect("journal", path)) as connection, failures_named("journal"):
            _begin_writing(connection)
            yield
    except TimeoutError as error:
        raise BackupError(f"The journal cannot be read: {error}.") from error
    finally:
        lock.close()


def _begin_writing(connection: sqlite3.Connection) -> None:
    # In short waits: SQLite's own wait would keep Python from handling a signal.
    deadline = time.monotonic() + SQLITE_BUSY_MS / 1000
    connection.execute(f"PRAGMA busy_timeout={WAIT_MS}")
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise


def check(name: str, path: Path) -> None:
    """Make a copy a file of its own, and raise BackupError where SQLite finds it damaged."""
    with failures_named(name), closing(sqlite3.connect(path, isolation_level=None)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.set_progress_handler(lambda: 0, 1_000_000)  # Python handles signals then
        found = [row[0] for row in copy.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise BackupError(
            f"The database “{name}” is damaged ({found[0]}): the backup was given up. Keep the last good backup."
        )
