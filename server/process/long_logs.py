"""Says when the write-ahead file of an SQLite database grows because somebody reads for too long.

What is written while a transaction reads cannot be copied into the database before that has ended, so that the file
grows without a bound: a forgotten `sqlite3` with an open transaction has filled disks. Lousa's own reads take seconds
at most, and its backup says how large the file became.
"""

import logging
import os
from contextlib import suppress

from server.databases import Databases
from server.databases.data_files import path_of

log = logging.getLogger(__name__)

# A busy school's file has 66 to 80 MB. This much is written in half a minute of a storm, or in some minutes of a usual
# day, and is far from filling a disk.
LONG_BYTES = 256 * 1024 * 1024


class LongLogs:
    """Looks at the files, and logs the beginning and the end of a long one."""

    def __init__(self, databases: Databases, *, long_bytes: int = LONG_BYTES) -> None:
        paths = {name: path_of(databases.engine(name).url) for name in databases.names}
        self._files = {name: f"{os.path.realpath(path)}-wal" for name, path in paths.items() if path is not None}
        self._long_bytes = long_bytes
        self._long: set[str] = set()

    def look(self) -> None:
        """Look at each file once."""
        for name, file in self._files.items():
            with suppress(OSError):
                self._compare(name, file, os.stat(file).st_size)

    def _compare(self, name: str, file: str, size: int) -> None:
        if size > self._long_bytes and name not in self._long:
            self._long.add(name)
            log.warning(
                "%s has %d MB and grows, because a program has been reading the database for too long: a backup, or "
                "sqlite3 with an open transaction. “fuser %s” tells which; end it, and the file shrinks.",
                file,
                size // 2**20,
                file.removesuffix("-wal"),
            )
        elif size <= self._long_bytes and name in self._long:
            self._long.discard(name)
            log.warning("%s has its usual size again", file)
