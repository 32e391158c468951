"""The folder of a backup: it has its name only once everything is in it and on the disk.

    .2026-11-28.k3x9.unfinished  ->  2026-11-28

What a backup that was killed has left is removed by the next one in the same place. A lock tells it from one that is
being made.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.backups.errors import BackupError

_SUFFIX = ".unfinished"


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """Yield a new folder that becomes `folder` at the end of the block, and is gone after an error.

    Raise BackupError where `folder` exists, or cannot be made.
    """
    if folder.exists() or folder.is_symlink():
        raise BackupError(f"{folder} exists already: a backup goes into a new folder. Nothing was changed.")
    try:
        _remove_abandoned(folder.parent)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=_SUFFIX, dir=folder.parent))
    except OSError as error:
        raise BackupError(f"No folder can be made in {folder.parent} ({error.strerror}).") from error
    try:
        with _locked(work):
            yield work
            for path in sorted(work.iterdir()):
                sync(path)
            sync(work)
            work.rename(folder)
            sync(folder.parent)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove_abandoned(parent: Path) -> None:
    for left in parent.glob(f".*{_SUFFIX}"):
        with suppress(OSError), _locked(left):  # BlockingIOError: another backup is making it
            shutil.rmtree(left)


def sync(path: Path) -> None:
    """Put a file or a folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
