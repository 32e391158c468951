"""A SQLite file is read in threads: what is committed is seen, nothing is written, and an end is an end."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import JournalUnavailable
from channels.journal import queries
from channels.journal.file_reader import FileReader
from channels.journal.reader import Reader
from tests.channels.journal.support import append, entry, started
from tests.channels.support import writer_for

pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

LONG = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n")


async def test_each_read_sees_what_has_been_committed(database: AsyncEngine) -> None:
    journal, reader = started(database, writer_for(database)), FileReader(database, 1)
    for number in (1, 2, 3):
        await append(journal, entry())
        assert [row.seq for row in await reader.fetch(queries.HEADS, {"topics": ["class:7"]})] == [number]
    reader.close()
    await journal.close()


async def test_many_reads_at_once_are_all_answered(database: AsyncEngine) -> None:
    reader = FileReader(database, 3)
    answers = await asyncio.gather(*(reader.fetch(text(f"SELECT {number}")) for number in range(200)))
    assert [rows[0][0] for rows in answers] == list(range(200))
    reader.close()


async def test_nothing_can_be_written(database: AsyncEngine) -> None:
    reader = FileReader(database, 1)
    with pytest.raises(OperationalError, match="readonly"):
        await reader.fetch(text("DELETE FROM topics RETURNING id"))
    reader.close()


async def test_read_that_is_given_up_leaves_its_connection_usable(database: AsyncEngine) -> None:
    reader = FileReader(database, 1)
    given_up = asyncio.create_task(reader.fetch(LONG))
    await asyncio.sleep(0)
    given_up.cancel()
    assert (await reader.fetch(text("SELECT 1")))[0][0] == 1
    reader.close()


async def test_nothing_is_read_after_the_end(database: AsyncEngine) -> None:
    reader = FileReader(database, 1)
    await reader.fetch(text("SELECT 1"))
    reader.close()
    reader.close()
    with pytest.raises(ConnectionError):
        await reader.fetch(text("SELECT 1"))


async def test_read_that_waits_for_a_thread_is_refused_at_the_end(database: AsyncEngine) -> None:
    reader = FileReader(database, 1)
    running, waiting = (asyncio.create_task(reader.fetch(LONG)) for _ in range(2))
    await asyncio.sleep(0)
    reader.close()
    with pytest.raises(ConnectionError):
        await waiting
    assert (await running)[0][0] == 300_000


async def test_read_after_a_close_is_refused_without_a_word_in_the_log(
    database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader(database, 5.0)
    reader.close()
    with pytest.raises(JournalUnavailable):
        await reader.fetch(text("SELECT 1"))
    assert caplog.text == ""
