"""The write-ahead log gets room before it is needed, and nothing in it is lost or made up by that."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from channels.journal.log_room import STEP_BYTES, is_outgrown, make_room
from channels.journal.same_file import wal_of
from channels.journal.sqlite import MAX_IDLE_WAL_BYTES, MAX_ROOM_BYTES, SqliteWriter
from tests.channels.journal.support import entry, group


@pytest.fixture
def path(sqlite_tables: Path, tmp_path: Path) -> str:
    """Return a journal's file."""
    return str(shutil.copy(sqlite_tables / "journal.sqlite3", tmp_path))


def stored(path: str) -> int:
    with closing(sqlite3.connect(path)) as reader:
        (count,) = reader.execute("SELECT count(*) FROM events").fetchone()
    return int(count)


def size_of_log(path: str) -> int:
    return os.stat(wal_of(path)).st_size


def write(connection: sqlite3.Connection, topic: str) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("INSERT INTO topics (name, seq, governed, moved) VALUES (?, 0, 0, 0)", (topic,))


def copied(path: str) -> str:
    """Copy the files as a power cut would leave them; whoever opens the copy has only the log to find its commits."""
    folder = Path(path).with_name("copy")
    folder.mkdir(exist_ok=True)
    shutil.copy(wal_of(path), folder)
    return str(shutil.copy(path, folder))


async def test_log_is_lengthened_after_the_first_commit_and_overwritten_by_the_next(path: str) -> None:
    writer = SqliteWriter(path)
    await writer.commit([group(entry())])
    for _ in range(20):
        await writer.commit([group(entry())])
        assert size_of_log(path) == STEP_BYTES
    await writer.close()


async def test_log_that_has_grown_past_its_room_gets_more(path: str) -> None:
    writer = SqliteWriter(path)
    await writer.commit([group(entry(text="x" * STEP_BYTES))])
    await writer.commit([group(entry())])
    assert size_of_log(path) == 2 * STEP_BYTES
    await writer.close()


async def test_commits_before_and_after_are_found_in_a_log_with_room(path: str) -> None:
    writer = SqliteWriter(path)
    for count in range(1, 100):
        await writer.commit([group(entry(text="x" * 30_000))])
        if count % 10 == 0:
            assert stored(copied(path)) == count
    assert size_of_log(path) % STEP_BYTES == 0
    await writer.close()
    assert stored(path) == 99


async def test_log_with_room_that_is_emptied_gets_room_again(path: str) -> None:
    writer = SqliteWriter(path)
    await writer.commit([group(entry())])
    await writer.commit([group(entry())])
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    assert size_of_log(path) == 0
    await writer.commit([group(entry())])
    await writer.commit([group(entry())])
    assert size_of_log(path) == STEP_BYTES
    await writer.close()
    assert stored(path) == 4


async def test_two_writers_lose_nothing_while_both_make_room(path: str) -> None:
    writers = [SqliteWriter(path) for _ in range(2)]

    async def commit_often(writer: SqliteWriter, author: int) -> None:
        for number in range(60):
            await writer.commit([group(entry(author=author, push_id=f"{number}", text="x" * 60_000))])

    await asyncio.gather(*(commit_often(writer, author) for author, writer in enumerate(writers, 1)))
    assert stored(copied(path)) == 120
    assert size_of_log(path) > 4 * STEP_BYTES
    for writer in writers:
        await writer.close()


async def test_room_waits_for_another_process_that_writes(path: str) -> None:
    writer = SqliteWriter(path)
    await writer.commit([group(entry())])
    await writer.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM events")
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                make_room(connection, wal_of(path))
            other.execute("COMMIT")
            before = size_of_log(path)
            assert is_outgrown(wal_of(path), MAX_ROOM_BYTES)
            make_room(connection, wal_of(path))
            assert before < size_of_log(path) == STEP_BYTES
            assert not is_outgrown(wal_of(path), MAX_ROOM_BYTES)


async def test_nearly_full_disk_is_left_alone(path: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        write(connection, "class:7")
        before = size_of_log(path)
        make_room(connection, wal_of(path), min_free_bytes=2**62)
        assert size_of_log(path) == before
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            write(other, "class:8")  # the lock is given back


async def test_deleted_log_is_not_made_anew(path: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        write(connection, "class:7")
        os.unlink(wal_of(path))
        with pytest.raises(FileNotFoundError):
            make_room(connection, wal_of(path))
        assert not os.path.exists(wal_of(path))


def test_log_gets_no_more_room_than_it_needs(tmp_path: Path) -> None:
    log = tmp_path / "journal.sqlite3-wal"
    log.touch()
    os.truncate(log, MAX_ROOM_BYTES - 1)
    assert is_outgrown(str(log), MAX_ROOM_BYTES)
    os.truncate(log, MAX_ROOM_BYTES)
    assert not is_outgrown(str(log), MAX_ROOM_BYTES)
    # Else SQLite would cut it back in each round.
    assert MAX_ROOM_BYTES + STEP_BYTES <= MAX_IDLE_WAL_BYTES
