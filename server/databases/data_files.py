"""Which files the SQLite databases of a server are, from its start on.

The first process of a server remembers them before it makes workers, so that a worker that is started later does not
take another file for the school's. A file that was moved away and comes back is the same one; any other one is used
after the next start only, which looks whether the databases belong together (`pairing`).
"""

import errno
import os
import tempfile
from collections.abc import Mapping
from typing import Self

from sqlalchemy import URL

from channels.journal.same_file import FileReplaced, Identity, check_same, identity
from server.databases.engine import read_url


class DataFiles:
    """The files by the names of their databases; one that is not known is not checked."""

    def __init__(self, known: Mapping[str, tuple[str, Identity]]) -> None:
        self._known = known

    @classmethod
    def now(cls, urls: Mapping[str, str]) -> Self:
        """Remember the files that are there now."""
        paths = {name: path_of(read_url(name, url)) for name, url in urls.items()}
        return cls({name: (path, identity(path)) for name, path in paths.items() if path is not None})

    def check(self, name: str) -> None:
        """Raise FileReplaced unless the file of a database is the one that was remembered."""
        if name in self._known:
            check_same(*self._known[name])

    def wrong(self) -> dict[str, str]:
        """Return what is wrong with which database's file, in words."""
        found = {}
        for name in self._known:
            try:
                self.check(name)
            except FileReplaced as error:
                found[name] = str(error)
            except OSError as error:  # its folder cannot be read, say
                found[name] = f"its file cannot be found: {error}"
        return found


# More than a transaction of a busy server takes of its disk, and less than anybody misses.
PROBE_BYTES = 1024 * 1024

NO_FILES = DataFiles({})


def try_disk(path: str) -> None:
    """Take some room beside a file, and give it back; raise OSError where there is none, or nothing may be written."""
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it may not be written", path)
    with tempfile.TemporaryFile(dir=os.path.dirname(path)) as file:
        os.posix_fallocate(file.fileno(), 0, PROBE_BYTES)


def path_of(url: URL) -> str | None:
    """Return the path of a database's file; None for a PostgreSQL."""
    return url.database if url.get_backend_name() == "sqlite" else None
