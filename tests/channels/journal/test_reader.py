"""Reading within a time, on PostgreSQL, whose tables and processes can be made to hang."""

import asyncio
import os
import signal

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import JournalUnavailable
from channels.journal import queries
from channels.journal.reader import Reader, one_by_one
from tests.channels.journal.support import append, entry, started
from tests.channels.support import writer_for

pytestmark = pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)

EVENTS = queries.events("class:7")


async def _store_one_event(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database))
    await append(journal, entry())
    await journal.close()


async def test_read_timeout_leaves_no_stale_result_on_the_connection(database: AsyncEngine) -> None:
    await _store_one_event(database)
    reader = Reader(database, 0.2)
    async with database.begin() as connection:
        await connection.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(JournalUnavailable):
            await reader.fetch(EVENTS)
    for _ in range(12):  # more than the connections in the pool
        assert [row.seq for row in await reader.fetch(EVENTS)] == [1]


async def test_read_on_a_frozen_connection_fails_before_the_connection_closes(database: AsyncEngine) -> None:
    reader = Reader(database, 0.2)
    async with database.connect() as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(JournalUnavailable):
            await reader.fetch(EVENTS)
        (giving_up,) = reader._tasks
        assert not giving_up.done()
    finally:
        os.kill(pid, signal.SIGCONT)
    await asyncio.gather(giving_up, return_exceptions=True)
    assert await reader.fetch(EVENTS) == []


async def test_many_reads_of_a_hanging_database_time_out(database: AsyncEngine) -> None:
    await _store_one_event(database)
    reader = Reader(database, 0.3)
    async with database.begin() as connection:
        await connection.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(8):
            failures = await asyncio.gather(*(reader.fetch(EVENTS) for _ in range(1_000)), return_exceptions=True)
    assert all(isinstance(failure, JournalUnavailable) for failure in failures)
    await asyncio.gather(*reader._tasks, return_exceptions=True)  # their connections are still being given up
    assert len(await reader.fetch(EVENTS)) == 1


async def test_reading_is_reported_once_when_it_fails_and_when_it_works_again(
    database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    reader = Reader(database, 0.2)
    async with database.begin() as connection:
        await connection.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            with pytest.raises(JournalUnavailable):
                await reader.fetch(EVENTS)
    for _ in range(3):
        await reader.fetch(EVENTS)
    assert len([record for record in caplog.records if record.name.startswith("channels.journal")]) == 2


async def test_reads_open_no_transaction(database: AsyncEngine) -> None:
    # In a transaction, this is the time at which it began.
    query = text("SELECT now()")
    async with one_by_one(database).connect() as connection:
        times = [(await connection.execute(query)).scalar_one() for _ in range(2)]
    assert times[0] < times[1]
    async with database.begin() as connection:  # which has had the same connection
        times = [(await connection.execute(query)).scalar_one() for _ in range(2)]
    assert times[0] == times[1]
