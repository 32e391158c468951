"""How engines are made from URLs: which URLs are refused, and how large SQLite's write-ahead file stays."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from server.databases import Databases, reading, writing
from server.databases.engine import SQLITE_WAL_BYTES, create_engine
from server.databases.errors import DatabaseError
from server.settings import database_urls


@pytest.mark.parametrize("name", ["accounts", "audit"])
async def test_write_ahead_file_shrinks_after_a_large_transaction(tmp_path: Path, name: str) -> None:
    databases = Databases(database_urls(tmp_path))
    sessions, wal = databases.sessions(name), tmp_path / f"{name}.sqlite3-wal"
    async with writing(sessions) as db:
        await db.execute(text("CREATE TABLE large (value BLOB)"))
    async with reading(sessions) as reader:
        await reader.execute(text("SELECT count(*) FROM large"))
        async with writing(sessions) as db:
            await db.execute(text("INSERT INTO large VALUES (zeroblob(:size))"), {"size": 2 * SQLITE_WAL_BYTES})
    assert wal.stat().st_size > SQLITE_WAL_BYTES
    for _ in range(3):  # the first copies the file into the database, the second begins it anew
        async with writing(sessions) as db:
            await db.execute(text("INSERT INTO large VALUES (zeroblob(1))"))
    assert wal.stat().st_size <= SQLITE_WAL_BYTES
    await databases.dispose()


async def test_write_ahead_file_of_the_journal_is_copied_by_its_writer_only(tmp_path: Path) -> None:
    databases = Databases(database_urls(tmp_path))
    async with writing(databases.sessions("journal")) as db:
        await db.execute(text("CREATE TABLE large (value BLOB)"))
        await db.execute(text("INSERT INTO large VALUES (zeroblob(:size))"), {"size": SQLITE_WAL_BYTES})
    assert (tmp_path / "journal.sqlite3").stat().st_size < SQLITE_WAL_BYTES
    await databases.dispose()
    assert (tmp_path / "journal.sqlite3").stat().st_size > SQLITE_WAL_BYTES


async def test_postgresql_soon_notices_a_machine_cut_off(postgresql_url: str) -> None:
    engine = create_engine("accounts", postgresql_url)
    async with engine.connect() as connection:
        for setting, value in {"tcp_user_timeout": "25000", "tcp_keepalives_idle": "10"}.items():
            assert await connection.scalar(text(f"SHOW {setting}")) == value
    await engine.dispose()


def test_sqlite_url_with_a_query_is_refused() -> None:
    with pytest.raises(DatabaseError, match=r"“accounts” has a “\?”: write %3F"):
        create_engine("accounts", "sqlite:////srv/a?b/accounts.sqlite3")


async def test_connections_that_the_server_has_ended_are_replaced(postgresql_url: str) -> None:
    engine = create_engine("journal", postgresql_url)
    async with AsyncExitStack() as together:
        pooled = [await together.enter_async_context(engine.connect()) for _ in range(3)]
        pids = [(await each.execute(text("SELECT pg_backend_pid()"))).scalar_one() for each in pooled]
    other = create_engine("journal", postgresql_url)
    async with other.begin() as connection:
        for pid in pids:
            await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    await asyncio.sleep(0)  # the loop of a worker, too, turns before its next query
    for _ in range(3):
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one() not in pids
    for each in (engine, other):
        await each.dispose()


async def test_closing_a_connection_whose_server_hangs_raises_nothing(postgresql_url: str) -> None:
    engine = create_engine("journal", postgresql_url)
    connection = await (await engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
    pid: int = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        await driver.close(timeout=0.1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert driver.is_closed()
    await connection.close()
    await engine.dispose()
