"""Behaviour specific to PostgreSQL: locks between workers, frozen connections, URLs."""

import asyncio
import os
import signal

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import JournalUnavailable, Refused
from channels.journal import postgresql as journal_postgresql
from channels.journal.postgresql import PostgresqlWriter
from server.databases import Databases
from server.databases.engine import asyncpg_dsn
from tests.channels.journal.support import (
    append,
    entry,
    group,
    receipt,
    started,
)
from tests.channels.support import writer_for


async def _until_waiting(database: AsyncEngine) -> None:
    """Wait until a connection waits for a lock."""
    async with asyncio.timeout(10), database.connect() as onlooker:
        while not await onlooker.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_batch_ended_by_a_deadlock_is_retried(database: AsyncEngine) -> None:
    writer = writer_for(database)
    await writer.commit([group(entry("a")), group(entry("b"))])
    lock = "SELECT 1 FROM topics WHERE name = '{}' FOR UPDATE"
    async with database.begin() as stranger:  # locks the counters in the wrong order
        await stranger.exec_driver_sql(lock.format("b"))
        commit = asyncio.create_task(writer.commit([group(entry("a")), group(entry("b"))]))
        await _until_waiting(database)
        await stranger.exec_driver_sql(lock.format("a"))  # deadlock: PostgreSQL cancels the longest wait
    assert await commit == [[receipt(2)], [receipt(2)]]
    await writer.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_null_character_rejected_by_postgresql_fails_alone(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database))
    outcomes = await append(journal, entry(), entry(push_id="\0"), entry("b"), entry())
    assert isinstance(outcomes.pop(1), Refused)
    assert outcomes == [receipt(1), receipt(1), receipt(2)]
    await journal.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_database_frozen_in_a_transaction_raises_journal_unavailable(database: AsyncEngine) -> None:
    writer = PostgresqlWriter(asyncpg_dsn(database.url), commit_seconds=1.0)
    await writer.commit([group(entry(push_id="1"))])
    assert writer._connection is not None
    pid = writer._connection.get_server_pid()
    async with database.begin() as stranger:  # blocks the transaction after it has locked its counters
        await stranger.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        commit = asyncio.create_task(writer.commit([group(entry(push_id="2"))]))
        await _until_waiting(database)
        os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(5):
        with pytest.raises(JournalUnavailable):
            await commit
    os.kill(pid, signal.SIGCONT)
    assert await writer.commit([group(entry(push_id="2"))]) == [[receipt(2)]]
    await writer.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_hanging_worker_loses_its_topic_locks_after_the_idle_limit(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, other = [PostgresqlWriter(asyncpg_dsn(database.url), max_idle_ms=300) for _ in range(2)]
    locked = asyncio.Event()
    audited = entry()  # which takes locks over round trips
    audited.audited = True

    async def hang(*given: object) -> None:
        locked.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(journal_postgresql, "_mark", hang)
        lost = asyncio.create_task(hanging.commit([group(audited)]))
        await locked.wait()
    assert await other.commit([group(entry())]) == [[receipt(1)]]
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)
    await other.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_provider_url_with_sslmode_works_for_reads_and_writes(made_urls: dict[str, str]) -> None:
    databases = Databases({name: f"{url}?sslmode=prefer" for name, url in made_urls.items()})
    journal = started(databases.engine("journal"), writer_for(databases.engine("journal")))
    assert await append(journal, entry()) == [receipt(1)]
    assert len(await journal.after("class:7", 0, 1)) == 1
    await journal.close()
    await databases.dispose()
