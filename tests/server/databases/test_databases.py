import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from server.databases import Databases, DbSessions, reading, writing
from server.databases.accounts import Failure, SchoolClass
from server.databases.engine import asyncpg_dsn
from server.databases.errors import DatabaseUnavailable
from server.settings import database_urls


async def test_reader_sees_one_snapshot_and_does_not_wait_for_writer(sessions: DbSessions) -> None:
    async with writing(sessions) as writer:
        writer.add(SchoolClass(title="6º A"))
        await writer.flush()
        async with reading(sessions) as reader:
            assert await reader.scalar(select(func.count(SchoolClass.id))) == 0
    async with reading(sessions) as reader:
        assert await reader.scalar(select(func.count(SchoolClass.id))) == 1


async def test_read_then_write_transactions_are_serialised(sessions: DbSessions) -> None:
    async def count_one() -> None:
        async with writing(sessions) as session:
            row = await session.scalar(select(Failure).where(Failure.key == "k").with_for_update())
            assert row is not None
            row.count += 1

    async with writing(sessions) as session:
        session.add(Failure(key="k", count=0, until=0))
    await asyncio.gather(*(count_one() for _ in range(20)))
    async with reading(sessions) as session:
        assert await session.scalar(select(Failure.count)) == 20


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_writers_of_one_process_write_in_the_order_of_asking(sessions: DbSessions) -> None:
    wrote: list[int] = []

    async def write(number: int) -> None:
        async with writing(sessions) as session:
            session.add(Failure(key=f"k{number}", count=0, until=0))
            await session.flush()
            wrote.append(number)

    await asyncio.gather(*(write(number) for number in range(60)))
    assert wrote == [*range(60)]


async def test_error_in_a_transaction_rolls_it_back(sessions: DbSessions) -> None:
    async def fail() -> None:
        async with writing(sessions) as session:
            session.add(SchoolClass(title="6º A"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with reading(sessions) as session:
        assert await session.scalar(select(func.count(SchoolClass.id))) == 0


async def test_missing_database_file_is_unavailable_until_it_returns(tmp_path: Path) -> None:
    databases = Databases(database_urls(tmp_path))
    await databases.upgrade()
    sessions = databases.sessions("accounts")
    await databases.dispose()
    folder = tmp_path.rename(tmp_path.with_name("away"))
    with pytest.raises(DatabaseUnavailable, match="unable to open"):
        async with reading(sessions) as session:
            await session.execute(text("SELECT 1"))
    folder.rename(tmp_path)
    async with reading(sessions) as session:
        assert await session.scalar(select(func.count(SchoolClass.id))) == 0
    await databases.dispose()


async def test_sqlite_is_opened_with_durable_commits_and_foreign_keys(tmp_path: Path) -> None:
    databases = Databases(database_urls(tmp_path))
    async with databases.engine("journal").connect() as connection:
        pragmas = {name: await connection.scalar(text(f"PRAGMA {name}")) for name in _PRAGMAS}
    await databases.dispose()
    assert pragmas == _PRAGMAS


_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_postgresql_urls_of_other_drivers_are_accepted(tmp_path: Path) -> None:
    url = "postgres://lousa:x@db.example/lousa?sslmode=require"
    engine = Databases(database_urls(tmp_path, [f"accounts={url}"])).engine("accounts")
    assert engine.url.render_as_string(False) == "postgresql+asyncpg://lousa:x@db.example/lousa?ssl=require"
    assert asyncpg_dsn(engine.url) == "postgresql://lousa:x@db.example/lousa?sslmode=require"
