"""Room in SQLite's write-ahead log: the file is made longer before commits need it.

    commit -> it has made the file longer -> the push is answered -> zeros behind the end, to the next MiB
                                                                     (the next 250 pages overwrite them)

A commit that makes the file longer also waits until the file system has stored its new length: 0.45 ms (p50) and 1.1
(p90) on an SSD, in place of 0.28 and 0.42. SQLite reads its log up to the first frame that has not the log's own salt
and checksum, so it never takes zeros for a commit (https://sqlite.org/fileformat2.html#walformat).
"""

import os
import sqlite3

# How far ahead. Writing it takes 4 ms: a push that comes meanwhile waits no longer than for a checkpoint.
STEP_BYTES = 1024 * 1024

# This much stays free on the disk: a commit that takes longer is better than one that finds the disk full.
MIN_FREE_BYTES = 1024**3


class LogRoom:
    """Makes the log at `path` longer, up to `max_bytes`; for one thread."""

    def __init__(self, path: str, max_bytes: int, *, min_free_bytes: int = MIN_FREE_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes
        self._size = 0

    def is_outgrown(self) -> bool:
        """Return whether SQLite has given the log a new length since the last call; raise OSError.

        A length in whole steps is one that `make` has given it, in this process or another, or the 0 of an empty log.
        """
        before, self._size = self._size, os.stat(self._path).st_size
        return self._size != before and self._is_short(self._size)

    def make(self, connection: sqlite3.Connection) -> None:
        """Make the log longer, to the next whole step, unless another process has, or the disk is nearly full.

        `connection` is one to the log's database, in no transaction. Raises sqlite3.Error, and OSError.
        """
        # SQLite's lock for writing: while it is held here, no other process appends to the log.
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._append_zeros()
        finally:
            connection.execute("ROLLBACK")

    def _append_zeros(self) -> None:
        # Closing a file gives up all locks that this process has on it. SQLite has its locks on other files.
        log = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            size, disk = os.fstat(log).st_size, os.fstatvfs(log)
            if self._is_short(size) and disk.f_bavail * disk.f_frsize >= self._min_free_bytes:
                os.write(log, bytes(STEP_BYTES - size % STEP_BYTES))
                os.fdatasync(log)
        finally:
            os.close(log)

    def _is_short(self, size: int) -> bool:
        return size < self._max_bytes and size % STEP_BYTES != 0
