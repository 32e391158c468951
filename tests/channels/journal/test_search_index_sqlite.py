"""The index of texts follows a SQLite journal beside its writers: what they change meanwhile is not overtaken."""

import asyncio
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from channels.errors import JournalUnavailable
from channels.journal.search_index_sqlite import SqliteFollower
from channels.journal.search_moves import AT_ONCE
from channels.journal.search_texts import SearchTexts
from channels.journal.sqlite import SqliteWriter
from channels.journal.write_lock import WriteLock
from tests.channels.journal.support import entry, group

CLASS, OTHER = "class:7", "class:8"


def said(payload: bytes) -> str:
    return str(json.loads(payload)["text"])


def texts(text_of: Callable[[bytes], str] = said) -> SearchTexts:
    return SearchTexts({"message:sent": text_of}, {"message:edited"})


@pytest.fixture
async def path(sqlite_tables: Path, tmp_path: Path) -> str:
    """Return a journal's file in which a message is stored."""
    path = str(shutil.copy(sqlite_tables / "journal.sqlite3", tmp_path))
    await store(path, 1)
    return path


async def store(path: str, count: int, topic: str = CLASS) -> None:
    writer = SqliteWriter(path)
    await writer.commit([group(entry(topic, text="planta")) for _ in range(count)])
    await writer.close()


def execute(path: str, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def indexed(path: str) -> list[tuple[str, int]]:
    return execute(path, "SELECT stems, seq FROM search ORDER BY topic_id, seq")


def words(path: str, word: str) -> int:
    return len(execute(path, f"SELECT rowid FROM search_words WHERE search_words MATCH '{word}'"))


class Held:
    """A step of the index that has read the journal, and waits for the writers' lock."""

    def __init__(self, path: str) -> None:
        self._lock = WriteLock(f"{path}-turn")
        self._lock.acquire(1.0)
        self._has_read = threading.Event()
        self._follower = SqliteFollower(path, texts(self._text_of))
        self._step = asyncio.create_task(self._follower.follow([CLASS]))

    def _text_of(self, payload: bytes) -> str:
        self._has_read.set()
        return said(payload)

    async def has_read(self) -> None:
        assert await asyncio.to_thread(self._has_read.wait, 10.0)

    async def end(self) -> None:
        self._lock.close()
        await self._step
        await self._follower.close()


@pytest.fixture
async def held(path: str) -> Held:
    held = Held(path)
    await held.has_read()
    return held


async def test_text_that_is_replaced_after_it_was_read_is_not_stored(path: str, held: Held) -> None:
    execute(path, """UPDATE events SET payload = '{"text":""}'""")
    await held.end()
    assert indexed(path) == []


async def test_text_with_something_added_after_it_was_read_is_stored(path: str, held: Held) -> None:
    execute(path, """UPDATE events SET payload = '{"text":"planta","count":1}'""")
    await held.end()
    assert (len(indexed(path)), words(path, "planta")) == (1, 1)


async def test_topic_that_another_worker_has_moved_is_left_to_it(path: str, held: Held) -> None:
    execute(path, "INSERT INTO search_positions VALUES (1, 1)")
    await held.end()
    assert indexed(path) == []


async def test_step_takes_a_bounded_number_and_says_what_has_more(path: str) -> None:
    await store(path, AT_ONCE)
    await store(path, 1, OTHER)
    follower = SqliteFollower(path, texts())
    assert set(await follower.follow([CLASS, OTHER])) == {CLASS, OTHER}
    assert len(indexed(path)) == AT_ONCE
    assert not await follower.follow([CLASS, OTHER])
    assert words(path, "planta") == len(indexed(path)) == AT_ONCE + 2
    await follower.close()


async def test_step_whose_lock_is_not_free_in_time_is_taken_again(path: str) -> None:
    follower = SqliteFollower(path, texts(), lock_seconds=0.01)
    lock = WriteLock(f"{path}-turn")
    lock.acquire(1.0)
    with pytest.raises(JournalUnavailable, match="another worker"):
        await follower.follow([CLASS])
    lock.close()
    while not indexed(path):
        await follower.follow([CLASS])
    assert len(indexed(path)) == 1
    await follower.close()


async def test_second_close_does_nothing_and_nothing_is_followed_then(path: str) -> None:
    follower = SqliteFollower(path, texts())
    await follower.close()
    await follower.close()
    with pytest.raises(JournalUnavailable):
        await follower.follow([CLASS])
