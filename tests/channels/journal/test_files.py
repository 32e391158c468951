"""Checkpoints of a journal beside its writers: in turn with them where SQLite could lose a commit, else at once."""

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL

from channels.journal import files
from channels.journal.files import checkpoint, open_file, resets_safely
from channels.journal.sqlite import SqliteWriter
from channels.journal.write_lock import WriteLock
from server.backups import sqlite as backups
from server.backups.sqlite import SqliteSnapshot
from tests.channels.journal.support import entry, group


@pytest.fixture
def path(sqlite_tables: Path, tmp_path: Path) -> Path:
    """Return a journal's file."""
    return Path(shutil.copy(sqlite_tables / "journal.sqlite3", tmp_path))


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_releases_with_the_fault_are_known(version: tuple[int, int, int], is_safe: bool) -> None:
    assert resets_safely(version) is is_safe


def _set_release(monkeypatch: pytest.MonkeyPatch, *, is_safe: bool) -> None:
    for module in (files, backups):
        monkeypatch.setattr(module, "RESETS_SAFELY", is_safe)


async def _copy(path: Path, who: str) -> None:
    """Make a checkpoint as one of those does who are no writers."""
    if who == "trimmer":
        assert checkpoint(open_file(URL.create("sqlite+aiosqlite", database=str(path))))
    else:
        snapshot = SqliteSnapshot("journal", str(path))
        await snapshot.connect()
        await snapshot.close()


def _uncopied(path: Path) -> int:
    """Return how many pages of the log a checkpoint has still to copy."""
    with closing(sqlite3.connect(path)) as connection:
        _, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages - copied)


@pytest.mark.parametrize("who", ["trimmer", "backup"])
async def test_checkpoint_waits_for_the_writer_where_it_has_to(
    path: Path, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_release(monkeypatch, is_safe=False)
    writing = WriteLock(f"{path}-turn")
    writing.acquire(1)
    waited = threading.Event()
    acquire = WriteLock.acquire

    def seen(lock: WriteLock, seconds: float) -> None:
        # Only now: the checkpoint stands in the line.
        waited.set()
        threading.Timer(0.05, writing.release).start()
        acquire(lock, seconds)
        assert writing._held is None

    monkeypatch.setattr(WriteLock, "acquire", seen)
    await _copy(path, who)
    assert waited.is_set()
    writing.close()


@pytest.mark.parametrize("who", ["trimmer", "backup"])
async def test_checkpoint_waits_for_nobody_where_it_need_not(
    path: Path, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_release(monkeypatch, is_safe=True)
    writing = WriteLock(f"{path}-turn")
    writing.acquire(1)
    await _copy(path, who)
    writing.close()


@pytest.mark.parametrize("is_safe", [True, False])
async def test_log_is_cut_and_a_reader_keeps_it(path: Path, is_safe: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    _set_release(monkeypatch, is_safe=is_safe)
    file, log = open_file(URL.create("sqlite+aiosqlite", database=str(path))), path.with_name(f"{path.name}-wal")
    writer = SqliteWriter(str(path))
    await writer.commit([group(entry())])
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        await writer.commit([group(entry())])
        assert not checkpoint(file, "TRUNCATE")
        assert log.stat().st_size > 0
    assert checkpoint(file, "TRUNCATE")
    assert log.stat().st_size == 0
    assert _uncopied(path) == 0
    await writer.commit([group(entry())])
    await writer.close()
