"""The write-ahead log gets room before it is needed, and nothing in it is lost or made up by that."""

import asyncio
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from channels.journal.log_room import STEP_BYTES, LogRoom
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
    """Copy the files as a killed process leaves them, with the commits in the log only."""
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


async def test_commits_are_found_after_the_log_was_begun_anew_and_emptied(path: str) -> None:
    writer = SqliteWriter(path)
    count = 0
    with closing(sqlite3.connect(path)) as other:
        # What was committed before is behind what comes now, or zeros are, or both.
        for mode in ("RESTART", "TRUNCATE", "PASSIVE", "TRUNCATE"):
            for size in (40_000, 10, 10):
                await writer.commit([group(entry(text="x" * size))])
                count += 1
                assert stored(copied(path)) == count
            assert other.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[0] == 0
    await writer.close()
    assert stored(path) == count


async def test_zeros_that_were_cut_off_in_the_middle_hide_no_commit(path: str) -> None:
    writer = SqliteWriter(path)
    await writer.commit([group(entry())])
    await writer.commit([group(entry())])
    os.truncate(wal_of(path), STEP_BYTES - 100_000)
    for count in range(3, 50):
        await writer.commit([group(entry(text="x" * 30_000))])
        assert stored(copied(path)) == count
    assert size_of_log(path) > STEP_BYTES
    await writer.close()


async def test_commit_after_a_failure_to_make_room_succeeds(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_log: int) -> None:
        raise OSError

    monkeypatch.setattr(os, "fdatasync", fail)
    writer = SqliteWriter(path)
    for _ in range(3):
        await writer.commit([group(entry(text="x" * STEP_BYTES))])
    await writer.close()
    assert stored(path) == 3


async def test_making_room_waits_for_no_other_process(path: str) -> None:
    # Each lock would be waited for longer than the test takes.
    writer = SqliteWriter(path, lock_seconds=600, busy_seconds=600)
    await writer.commit([group(entry())])
    await writer.commit([group(entry())])
    with closing(sqlite3.connect(path, isolation_level=None)) as other, open(f"{path}-turn", "a") as turn:
        for hold, release in (
            (partial(fcntl.flock, turn, fcntl.LOCK_EX), partial(fcntl.flock, turn, fcntl.LOCK_UN)),
            (partial(other.execute, "BEGIN IMMEDIATE"), partial(other.execute, "ROLLBACK")),
        ):
            hold()
            async with asyncio.timeout(10):
                await writer._thread.run(writer._make_room)
            # A commit waits as before.
            commit = asyncio.create_task(writer.commit([group(entry())]))
            assert not (await asyncio.wait([commit], timeout=0.1))[0]
            release()
            async with asyncio.timeout(10):
                await commit
    await writer.close()
    assert stored(path) == 4


@pytest.fixture
def connection(path: str) -> Iterator[sqlite3.Connection]:
    """Return a connection that has committed, so that there is a log."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        write(connection, "class:7")
        yield connection


def test_room_is_made_once_for_each_length_that_sqlite_gives_the_log(path: str, connection: sqlite3.Connection) -> None:
    room, other = (LogRoom(wal_of(path), MAX_ROOM_BYTES) for _ in range(2))
    assert room.is_outgrown()
    assert other.is_outgrown()
    assert not room.is_outgrown()
    for each in (room, other):
        each.make(connection)
        assert size_of_log(path) == STEP_BYTES
    assert not room.is_outgrown()
    assert not other.is_outgrown()


def test_log_that_another_process_writes_is_left_alone(path: str, connection: sqlite3.Connection) -> None:
    before = size_of_log(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            LogRoom(wal_of(path), MAX_ROOM_BYTES).make(connection)
    assert size_of_log(path) == before


def test_nearly_full_disk_is_left_alone(path: str, connection: sqlite3.Connection) -> None:
    before = size_of_log(path)
    LogRoom(wal_of(path), MAX_ROOM_BYTES, min_free_bytes=2**62).make(connection)
    assert size_of_log(path) == before
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        write(other, "class:8")  # the lock is given back


def test_deleted_log_is_not_made_anew(path: str, connection: sqlite3.Connection) -> None:
    os.unlink(wal_of(path))
    with pytest.raises(FileNotFoundError):
        LogRoom(wal_of(path), MAX_ROOM_BYTES).make(connection)
    assert not os.path.exists(wal_of(path))


@pytest.mark.parametrize(("size", "is_short"), [(0, False), (MAX_ROOM_BYTES - 1, True), (MAX_ROOM_BYTES, False)])
def test_log_gets_as_much_room_as_it_needs(tmp_path: Path, size: int, is_short: bool) -> None:
    log = tmp_path / "journal.sqlite3-wal"
    log.touch()
    os.truncate(log, size)
    assert LogRoom(str(log), MAX_ROOM_BYTES).is_outgrown() == is_short
    # Else SQLite would cut it back in each round.
    assert MAX_ROOM_BYTES + STEP_BYTES <= MAX_IDLE_WAL_BYTES
