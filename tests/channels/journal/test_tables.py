"""The journal's tables keep what the writers and the readers rely on, on both databases."""

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.tables import metadata, topics_table

TOPIC = "INSERT INTO topics (id, name, seq) VALUES (1, 'class:7', 0)"
EVENT = """
    INSERT INTO events (topic_id, seq, event, author_id, push_id, at, payload)
    VALUES (1, {seq}, 'message:new', 1, {push_id}, 0, '{{}}')
"""


async def execute(database: AsyncEngine, *statements: str) -> None:
    async with database.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_migrated_database_has_exactly_the_tables_of_the_code(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        tables = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
        indexes = await connection.run_sync(
            lambda sync: {index["name"] for name in metadata.tables for index in inspect(sync).get_indexes(name)}
        )
    # SQLite keeps the index of words in tables of its own.
    ours = {name for name in tables if not name.startswith("search_words")}
    assert ours - {"alembic_version"} == set(metadata.tables)
    assert {index.name for table in metadata.tables.values() for index in table.indexes} <= indexes


async def test_new_topic_has_moved_nowhere_and_governs_nothing(database: AsyncEngine) -> None:
    await execute(database, TOPIC)
    async with database.connect() as connection:
        row = (await connection.execute(topics_table.select())).one()
    assert (row.seq, row.governed, row.moved) == (0, 0, 0)


@pytest.mark.parametrize(("seq", "push_id"), [(1, "'p2'"), (2, "'p1'")], ids=["position", "push id"])
async def test_position_and_push_id_are_unique_in_a_topic(database: AsyncEngine, seq: int, push_id: str) -> None:
    await execute(database, TOPIC, EVENT.format(seq=1, push_id="'p1'"))
    with pytest.raises(IntegrityError):
        await execute(database, EVENT.format(seq=seq, push_id=push_id))


async def test_events_without_a_push_id_do_not_collide(database: AsyncEngine) -> None:
    await execute(database, TOPIC, EVENT.format(seq=1, push_id="NULL"), EVENT.format(seq=2, push_id="NULL"))
