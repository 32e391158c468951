"""Follows a PostgreSQL journal into its index of texts.

Two transactions: one reads, the other moves the positions and stores, with the events locked. Between them a thread
works out the stems. The statements are the driver's own and take all rows as arrays: a message costs the event loop a
sixth so of what SQLAlchemy's take with a row each.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from channels.journal.search_texts import SearchTexts

# Events of one transaction.
AT_ONCE = 250

# How the index moves on in topics, by their ids: from a position to a later one.
Moves = Mapping[int, tuple[int, int]]

_BEHIND = """
    SELECT topics.id, topics.name, coalesce(positions.seq, 0) AS reached, topics.seq
    FROM topics LEFT JOIN search_positions AS positions ON positions.topic_id = topics.id
    WHERE topics.name = ANY($1::text[]) AND topics.seq > coalesce(positions.seq, 0)
"""
_NEXT = """
    SELECT move.topic_id, events.* FROM unnest($1::bigint[], $2::bigint[]) AS move (topic_id, reached)
    CROSS JOIN LATERAL (
        SELECT seq, event, at, payload, about FROM events
        WHERE topic_id = move.topic_id AND seq > move.reached AND event = ANY($4::text[])
        ORDER BY seq LIMIT $3::bigint
    ) AS events
    ORDER BY move.topic_id, events.seq LIMIT $3::bigint
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
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS move (topic_id, before, after)
    ), locked AS (
        SELECT positions.topic_id, move.after
        FROM search_positions AS positions
        JOIN move ON (move.topic_id, move.before) = (positions.topic_id, positions.seq)
        ORDER BY positions.topic_id FOR UPDATE OF positions
    )
    UPDATE search_positions SET seq = locked.after FROM locked WHERE search_positions.topic_id = locked.topic_id
    RETURNING search_positions.topic_id
"""
_LOCKED = """
    SELECT topic_id, seq, payload FROM events
    WHERE (topic_id, seq) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[])) FOR SHARE
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

    `more`: the topics that may have more events than one transaction takes.
    """

    moves: Moves
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
        moves = {row.id: (row.reached, row.seq) for row in behind}
        reached = [row.reached for row in behind]
        rows = await _fetch(connection, _NEXT, list(moves), reached, AT_ONCE, list(self._texts.kinds)) if moves else []
        more: list[str] = []
        if len(rows) == AT_ONCE:
            # The last topic is passed in part, those after it not at all.
            last = rows[-1]
            moves = {topic_id: move for topic_id, move in moves.items() if topic_id < last.topic_id} | {
                last.topic_id: (moves[last.topic_id][0], last.seq)
            }
            more = [row.name for row in behind if row.id >= last.topic_id]
        # There may be events here that are newer than the positions.
        passed = [row for row in rows if row.topic_id in moves and row.seq <= moves[row.topic_id][1]]
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
            if self._texts.said(each.event, current[each.topic_id, each.seq]) == each.said
        ]
        if rows:
            await _execute(connection, _STORE, *_columns(rows))


async def _move(connection: AsyncConnection, moves: Moves) -> set[int]:
    new = [topic_id for topic_id, (before, _) in moves.items() if not before]
    if new:
        await _execute(connection, _FIRST, new)
    rows = [(topic_id, before, after) for topic_id, (before, after) in moves.items()]
    return {row.topic_id for row in await _fetch(connection, _MOVE, *_columns(rows))}


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
