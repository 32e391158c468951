"""Behaviour specific to SQLite: how large the write-ahead file stays, and files that are deleted while open."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from channels.errors import JournalUnavailable
from channels.journal.same_file import check_same, identity
from channels.journal.sqlite import MAX_IDLE_WAL_BYTES, SqliteWriter
from tests.channels.journal.support import entry, group


async def test_write_ahead_file_shrinks_after_a_long_read(sqlite_tables: Path, tmp_path: Path) -> None:
    path = shutil.copy(sqlite_tables / "journal.sqlite3", tmp_path)
    writer, wal = SqliteWriter(str(path)), tmp_path / "journal.sqlite3-wal"
    batch = [group(entry(text="x" * 100_000)) for _ in range(100)]
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        while not wal.exists() or wal.stat().st_size < 1.5 * MAX_IDLE_WAL_BYTES:
            await writer.commit(batch)
    for _ in range(3):  # the first copies the file into the database, the second begins it anew
        await writer.commit([group(entry())])
    assert wal.stat().st_size <= MAX_IDLE_WAL_BYTES
    await writer.close()


@pytest.fixture
def path(sqlite_tables: Path, tmp_path: Path) -> Path:
    """Return a journal's file, in a folder of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    return Path(shutil.copy(sqlite_tables / "journal.sqlite3", folder))


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[SqliteWriter]:
    """Return a writer to that file, which has committed."""
    writer = SqliteWriter(str(path), check=partial(check_same, str(path), identity(str(path))))
    await writer.commit([group(entry())])
    yield writer
    await writer.close()


def stored(path: Path) -> int:
    with closing(sqlite3.connect(path)) as reader:
        (count,) = reader.execute("SELECT count(*) FROM events").fetchone()
    return int(count)


async def test_deleted_folder_refuses_commits_until_it_is_back(path: Path, writer: SqliteWriter) -> None:
    aside = path.parent.rename(path.parent.with_name("aside"))
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="was deleted or moved"):
            await writer.commit([group(entry())])
    aside.rename(path.parent)
    await writer.commit([group(entry())])
    assert stored(path) == 2


async def test_replaced_file_gets_no_commit(path: Path, writer: SqliteWriter) -> None:
    copy = Path(shutil.copy(path, path.with_name("copy")))
    copy.rename(path)
    with pytest.raises(JournalUnavailable, match="is another one"):
        await writer.commit([group(entry())])


async def test_deleted_write_ahead_file_refuses_commits(path: Path, writer: SqliteWriter) -> None:
    path.with_name("journal.sqlite3-wal").unlink()
    with pytest.raises(JournalUnavailable, match=r"sqlite3-wal was deleted"):
        await writer.commit([group(entry())])


async def test_file_deleted_during_the_commit_is_not_acknowledged(path: Path) -> None:
    known, checks = identity(str(path)), []

    def check() -> None:
        checks.append(1)
        if len(checks) == 2:  # after the transaction
            path.unlink()
        check_same(str(path), known)

    writer = SqliteWriter(str(path), check=check)
    with pytest.raises(JournalUnavailable, match="was deleted or moved"):
        await writer.commit([group(entry())])
    await writer.close()
