"""The PostgreSQL server for tests is isolated and durable."""

import asyncpg
import pytest

from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.postgresql


async def test_each_test_gets_its_own_empty_database(postgresql: PostgreSQL) -> None:
    first, second = postgresql.create_database(), postgresql.create_database()
    connection = await asyncpg.connect(first)
    await connection.execute("CREATE TABLE seen (id integer)")
    await connection.close()
    connection = await asyncpg.connect(second)
    assert await connection.fetchval("SELECT to_regclass('seen')") is None
    await connection.close()


async def test_committed_data_survives_a_kill(postgresql_url: str, postgresql: PostgreSQL) -> None:
    connection = await asyncpg.connect(postgresql_url)
    await connection.execute("CREATE TABLE kept (id integer)")
    connection.terminate()
    postgresql.stop("immediate")
    postgresql.start()
    connection = await asyncpg.connect(postgresql_url)
    assert await connection.fetchval("SELECT to_regclass('kept')::text") == "kept"
    await connection.close()
