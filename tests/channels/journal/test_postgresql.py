"""Behaviour specific to PostgreSQL: locks between workers, frozen connections, URLs."""

import asyncio
import os
import signal
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Code, JournalUnavailable, Refused
from channels.journal import postgresql as journal_postgresql
from channels.journal.journal import Journal
from channels.journal.postgresql import PostgresqlWriter
from server.databases import Databases
from server.databases.engine import asyncpg_dsn
from tests.balancer import copy
from tests.channels.journal.support import (
    append,
    entry,
    group,
    receipt,
    started,
)
from tests.channels.support import writer_for

# What PgBouncer sends its clients then, as an ErrorResponse.
_FIELDS = b"SFATAL\0C08P01\0Mserver conn crashed?\0\0"
LOST_POSTGRESQL = b"E" + (len(_FIELDS) + 4).to_bytes(4, "big") + _FIELDS


async def _until_waiting(database: AsyncEngine, count: int = 1) -> None:
    """Wait until so many connections wait for a lock."""
    async with asyncio.timeout(10), database.connect() as onlooker:
        while await onlooker.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_batch_ended_by_a_deadlock_is_retried(database: AsyncEngine) -> None:
    writer = writer_for(database)
    await writer.commit([group(entry("a")), group(entry("b"))])
    lock = "SELECT 1 FROM topics WHERE name = '{}' FOR UPDATE"
    async with database.begin() as stranger:  # locks the counters in the wrong order
        await stranger.exec_driver_sql("SET LOCAL deadlock_timeout = '60s'")  # who looks for one first is cancelled
        await stranger.exec_driver_sql(lock.format("b"))
        commit = asyncio.create_task(writer.commit([group(entry("a")), group(entry("b"))]))
        await _until_waiting(database)
        await stranger.exec_driver_sql(lock.format("a"))
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
    # It may have been stored when the database went on: then it is known.
    assert await writer.commit([group(entry(push_id="2"))]) in ([[receipt(2)]], [[receipt(2, fresh=False)]])
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
async def test_only_one_worker_of_a_machine_cut_off_gets_a_lock(database: AsyncEngine) -> None:
    writer = PostgresqlWriter(asyncpg_dsn(database.url), max_idle_ms=2_000, max_lock_ms=500)
    await writer.commit([group(entry())])
    cut_off = [await asyncpg.connect(asyncpg_dsn(database.url)) for _ in range(4)]
    for each in cut_off:  # as far as a worker came whose packets are lost from now on
        await each.execute(writer._begin)
    locking = [asyncio.create_task(each.fetch(journal_postgresql._LOCK, ["class:7"])) for each in cut_off]
    await _until_waiting(database, 3)
    audited = entry()  # which takes the same lock
    audited.audited = True
    assert await writer.commit([group(audited)]) == [[receipt(2)]]
    ended = await asyncio.gather(*locking, return_exceptions=True)
    assert sum(isinstance(each, asyncpg.LockNotAvailableError) for each in ended) == 3
    for each in cut_off:
        each.terminate()
    await writer.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_connection_that_a_pooler_has_broken_is_unavailable(made_urls: dict[str, str]) -> None:
    direct = urlsplit(made_urls["journal"])
    clients: list[asyncio.StreamWriter] = []
    servers: list[asyncio.StreamWriter] = []
    copying: list[asyncio.Task[None]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(direct.hostname, direct.port)
        clients.append(writer)
        servers.append(forth)
        copying.extend(asyncio.create_task(each) for each in (copy(reader, forth), copy(back, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    databases = Databases(made_urls | {"journal": direct._replace(netloc=f"lousa@127.0.0.1:{port}").geturl()})
    journal = started(databases.engine("journal"), writer_for(databases.engine("journal")))
    assert await append(journal, entry()) == [receipt(1)]
    assert len(await journal.after("class:7", 0, 1)) == 1
    for task in copying:
        task.cancel()
    await asyncio.gather(*copying, return_exceptions=True)
    for each in clients:
        each.write(LOST_POSTGRESQL)  # and nothing more: a busy PgBouncer closes later
    await asyncio.sleep(0.05)  # to be read before the next statement; after it, the test takes longer
    assert await _first_refusal(journal) is Code.UNAVAILABLE
    with pytest.raises(JournalUnavailable):
        await _read_on(journal)
    await journal.close()
    await databases.dispose()
    server.close()
    for each in clients + servers:
        each.transport.abort()
    await asyncio.sleep(0)  # they close


async def _first_refusal(journal: Journal) -> Code:
    while True:
        [outcome] = await append(journal, entry())
        if isinstance(outcome, Refused):
            return outcome.code


async def _read_on(journal: Journal) -> None:
    while True:
        await journal.after("class:7", 0, 1)


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_provider_url_with_sslmode_works_for_reads_and_writes(made_urls: dict[str, str]) -> None:
    databases = Databases({name: f"{url}?sslmode=prefer" for name, url in made_urls.items()})
    journal = started(databases.engine("journal"), writer_for(databases.engine("journal")))
    assert await append(journal, entry()) == [receipt(1)]
    assert len(await journal.after("class:7", 0, 1)) == 1
    await journal.close()
    await databases.dispose()
