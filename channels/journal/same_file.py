"""Whether the file at a path is still the one that was opened there: SQLite itself does not look.

A process that has a deleted or replaced file open can still write and read it, and all of it is lost when the process
closes it. So what was committed is acknowledged only while its file and the write-ahead file are in
place. Two `stat` cost 3 µs, once for a transaction.
"""

import os
from collections.abc import Callable

# Device and inode.
Identity = tuple[int, int]

Check = Callable[[], None]


class FileReplaced(OSError):
    """The file at a path is not the one that was opened there; the message says which, and what to do."""

    def __init__(self, path: str, *, is_gone: bool) -> None:
        what = "was deleted or moved" if is_gone else "is another one than at the start"
        super().__init__(
            f"the file {path} {what}, and what is stored would be lost: put the former one back, or stop Lousa, see "
            "what is there (docs/operations.md, Health), and start it again"
        )


def identity(path: str) -> Identity:
    """Return which file is at a path; raise FileReplaced where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise FileReplaced(path, is_gone=True) from None
    return found.st_dev, found.st_ino


def check_same(path: str, known: Identity) -> None:
    """Raise FileReplaced unless a file is the known one; it may come back, and is the known one then."""
    if identity(path) != known:
        raise FileReplaced(path, is_gone=False)


def trust() -> None:
    """Check nothing: for commands, and for files that nobody watches."""


def wal_of(path: str) -> str:
    """Return the path of a database's write-ahead file."""
    return f"{path}-wal"
