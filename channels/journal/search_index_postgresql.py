"""Follows a PostgreSQL journal into its index of texts.

Two transactions: one reads, the other moves the positions and stores, with the events locked. Between them a thread
works out the stems. The statements are written for the driver and take all rows as arrays. With SQLAlchemy's, which
take a row each, the server needed 1.2 times the CPU at 1,000 messages a second.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from channels.journal.search_moves import Move, next_moves
from channels.journal.search_texts import SearchTexts

_BEHIND = """
    SELECT topics.id, topics.name, coalesce(positions.seq, 0) AS reached, topics.seq
    FROM topics LEFT JOIN search_positions AS positions ON positions.topic_id = topics.id
    WHERE topics.name = ANY($1::text[]) AND topics.seq > coalesce(positions.seq, 0)
"""
# OFFSET 0 keeps the inner query apart: if it is joined, PostgreSQL may read all events of a topic and compare them
# afterwards.
_NEXT = """
    SELECT passed.* FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS move (topic_id, after, before)
    CROSS JOIN LATERAL (
        SELECT topic_id, seq, event, at, payload, about FROM events
        WHERE topic_id = move.topic_id AND seq > move.before AND seq <= move.after AND event = ANY($4::text[])
        OFFSET 0
    ) AS passed
"""
_EVENTS = """
    SELECT topic_id, seq, event, at, payload, about FROM events
    WHERE (topic_id, seq) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
"""
_FIRST = """
    INSERT INTO search_positions (topic_id, seq) SELECT topic_id, 0 FROM unnest($1::bigint[]) AS topic_id
    ORDER BY topic_id ON CONFLICT DO NOTHING
"""
# Locked in the order of their topics, as by every other worker.
_MOVE = """
    WITH move AS (
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS move (topic_id, after, before)
    ), locked AS (
        SELECT positions.topic_id, move.after
        FROM search_positions AS positions
        JOIN move ON (move.topic_id, move.before) = (positions.topic_id, positions.seq)
        ORDER BY positions.topic_id FOR UPDATE OF positions
    )
    UPDATE search_positions SET seq = locked.after FROM locked WHERE search_positions.topic_id = locked.topic_id
    RETURNING search_positions.topic_id
"""
# In the order in which an amendment locks the events of a topic.
_LOCKED = """
    SELECT topic_id, seq, payload FROM events
    WHERE (topic_id, seq) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[])) ORDER BY topic_id, seq FOR SHARE
"""
_FORGET = """
    DELETE FROM search WHERE (topic_id, seq) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
"""
_STORE = """
    INSERT INTO search (topic_id, seq, at, stems)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
"""


class _Text(NamedTuple):
    """An event's text, and what the index stores of it."""

    topic_id: int
    seq: int
    at: int
    event: str
    said: str
    stems: str


class _Step(NamedTuple):
    """How the index moves on: the events that it passes, and those that some of them have amended.

    `more`: the topics that have more.
    """

    moves: Sequence[Move]
    passed: Sequence[Any]
    targets: Sequence[Any]
    more: Collection[str]


class PostgresqlFollower:
    """Follows the journal of one database."""

    def __init__(self, engine: AsyncEngine, texts: SearchTexts) -> None:
        self._engine = engine
        self._texts = texts

    async def follow(self, topics: Sequence[str]) -> Collection[str]:
        """Index the next events of these topics; return those that may have more."""
        async with self._engine.connect() as connection:
            step = await self._next(connection, topics)
        if not step.moves:
            return ()
        # A thread's, because a text full of new words takes milliseconds.
        texts = await asyncio.to_thread(self._read, step)
        async with self._engine.begin() as connection:
            await self._store(connection, step, texts)
        return step.more

    async def close(self) -> None:
        """Do nothing: the connections are the engine's."""

    async def _next(self, connection: AsyncConnection, topics: Sequence[str]) -> _Step:
        behind = await _fetch(connection, _BEHIND, list(topics))
        moves, more = next_moves((row.id, row.name, row.reached, row.seq) for row in behind)
        passed = await _fetch(connection, _NEXT, *_columns(moves), self._texts.kinds) if moves else []
        return _Step(moves, passed, await self._targets(connection, passed), more)

    async def _targets(self, connection: AsyncConnection, rows: Iterable[Any]) -> Sequence[Any]:
        """Return the events that some of these have amended, as they are now."""
        amending = [row for row in rows if row.event in self._texts.amending and row.about is not None]
        named = {(row.topic_id, row.about) for row in amending}
        return await _fetch(connection, _EVENTS, *_columns(named)) if named else []

    def _read(self, step: _Step) -> list[_Text]:
        found: dict[tuple[int, int], _Text] = {}
        for row in (*step.passed, *step.targets):
            said = self._texts.said(row.event, row.payload)
            if said:
                stems = self._texts.stems(row.topic_id, said)
                found[row.topic_id, row.seq] = _Text(row.topic_id, row.seq, row.at, row.event, said, stems)
        return list(found.values())

    async def _store(self, connection: AsyncConnection, step: _Step, texts: Sequence[_Text]) -> None:
        """Move the positions, and store the texts of the topics that no other worker has moved meanwhile."""
        moved = await _move(connection, step.moves)
        mine = [each for each in texts if each.topic_id in moved]
        # In the order of those who amend: the event first, then its row.
        current = await _locked(connection, [(each.topic_id, each.seq) for each in mine])
        forgotten = [(row.topic_id, row.seq) for row in step.targets if row.topic_id in moved]
        if forgotten:
            await _execute(connection, _FORGET, *_columns(forgotten))
        rows = [
            (each.topic_id, each.seq, each.at, each.stems)
            for each in mine
            if (payload := current.get((each.topic_id, each.seq))) is not None  # else it was deleted meanwhile
            and self._texts.said(each.event, payload) == each.said
        ]
        if rows:
            await _execute(connection, _STORE, *_columns(rows))


async def _move(connection: AsyncConnection, moves: Sequence[Move]) -> set[int]:
    new = [move.topic_id for move in moves if not move.before]
    if new:
        await _execute(connection, _FIRST, new)
    return {row.topic_id for row in await _fetch(connection, _MOVE, *_columns(moves))}


async def _locked(connection: AsyncConnection, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Return the payloads of events, which nothing amends until the transaction ends."""
    rows = await _fetch(connection, _LOCKED, *_columns(keys)) if keys else []
    return {(row.topic_id, row.seq): row.payload for row in rows}


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def _fetch(connection: AsyncConnection, statement: str, *values: Any) -> Sequence[Any]:
    return (await connection.exec_driver_sql(statement, values)).all()


async def _execute(connection: AsyncConnection, statement: str, *values: Any) -> None:
    await connection.exec_driver_sql(statement, values)
