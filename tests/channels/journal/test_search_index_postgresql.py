"""The index of texts follows a PostgreSQL journal: each text once, in bounded steps, none replaced meanwhile."""

import json
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from channels.journal import search_index_postgresql
from channels.journal.search_index_postgresql import PostgresqlFollower
from channels.journal.search_moves import AT_ONCE, Move
from channels.journal.search_texts import SearchTexts
from tests.channels.journal.support import entry, group
from tests.channels.support import writer_for

CLASS, OTHER = "class:7", "class:8"

pytestmark = pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)


def said(payload: bytes) -> str:
    return str(json.loads(payload)["text"])


def follower(database: AsyncEngine) -> PostgresqlFollower:
    return PostgresqlFollower(database, SearchTexts({"message:sent": said}, {"message:edited"}))


async def store(database: AsyncEngine, count: int, topic: str = CLASS, event: str = "message:sent") -> None:
    writer = writer_for(database)
    entries = [entry(topic, text="planta") for _ in range(count)]
    for each in entries:
        each.event = event
    await writer.commit([group(each) for each in entries])
    await writer.close()


async def indexed(database: AsyncEngine) -> list[tuple[str, int]]:
    async with database.connect() as connection:
        query = "SELECT name, search.seq FROM search JOIN topics ON topics.id = topic_id ORDER BY name, search.seq"
        return [tuple(row) for row in await connection.execute(text(query))]


async def test_step_takes_a_bounded_number_and_says_what_has_more(database: AsyncEngine) -> None:
    await store(database, AT_ONCE + 10)
    await store(database, 5, OTHER)
    index = follower(database)
    assert CLASS in await index.follow([CLASS, OTHER])
    assert len(await indexed(database)) == AT_ONCE
    assert not await index.follow([CLASS, OTHER])
    of_other = [(OTHER, seq + 1) for seq in range(5)]
    assert await indexed(database) == [*((CLASS, seq + 1) for seq in range(AT_ONCE + 10)), *of_other]
    assert not await index.follow([CLASS, OTHER])


async def test_text_after_many_events_without_one_is_indexed(database: AsyncEngine) -> None:
    for _ in range(3):
        await store(database, AT_ONCE, event="hand:raised")
    await store(database, 1)
    index = follower(database)
    assert [await index.follow([CLASS]) for _ in range(4)] == [[CLASS], [CLASS], [CLASS], []]
    assert await indexed(database) == [(CLASS, AT_ONCE * 3 + 1)]


def change_before_moving(database: AsyncEngine, monkeypatch: pytest.MonkeyPatch, change: str, **values: str) -> None:
    """Have events changed after the index has read them, and before it moves on."""
    move = search_index_postgresql._move

    async def change_and_move(connection: AsyncConnection, moves: Sequence[Move]) -> set[int]:
        async with database.begin() as writer:
            await writer.execute(text(change), values)
        return await move(connection, moves)

    monkeypatch.setattr(search_index_postgresql, "_move", change_and_move)


async def test_event_that_is_deleted_after_it_was_read_is_left_out(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(database, 2)
    change_before_moving(database, monkeypatch, "DELETE FROM events WHERE seq = 1")
    await follower(database).follow([CLASS])
    assert await indexed(database) == [(CLASS, 2)]


@pytest.mark.parametrize(
    ("payload", "expected"), [('{"text": "outra"}', []), ('{"text": "planta", "more": 1}', [(CLASS, 1)])]
)
async def test_text_that_is_replaced_after_it_was_read_is_not_stored(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch, payload: str, expected: list[tuple[str, int]]
) -> None:
    await store(database, 1)
    change_before_moving(database, monkeypatch, "UPDATE events SET payload = :payload", payload=payload)
    await follower(database).follow([CLASS])
    assert await indexed(database) == expected


async def test_topic_that_another_worker_has_moved_is_left_to_it(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(database, 1)
    move = search_index_postgresql._move

    async def other_worker_first(connection: AsyncConnection, moves: Sequence[Move]) -> set[int]:
        monkeypatch.setattr(search_index_postgresql, "_move", move)
        await follower(database).follow([CLASS])
        return await move(connection, moves)

    monkeypatch.setattr(search_index_postgresql, "_move", other_worker_first)
    await follower(database).follow([CLASS])
    assert await indexed(database) == [(CLASS, 1)]
