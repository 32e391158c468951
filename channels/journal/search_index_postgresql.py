"""Follows a PostgreSQL journal into its index of texts.

Two transactions: one reads, the other moves the positions and stores, with the events locked. Between them a thread
works out the stems.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.queries import REACHED, unindexed
from channels.journal.search_texts import SearchTexts
from channels.journal.tables import events_table, search_positions_table, search_table, topics_table

# Events of one transaction.
AT_ONCE = 250

# How the index moves on in topics, by their ids: from a position to a later one.
Moves = Mapping[int, tuple[int, int]]

_FIRST = text("INSERT INTO search_positions (topic_id, seq) VALUES (:topic_id, 0) ON CONFLICT DO NOTHING")


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
            step = await connection.run_sync(self._next, topics)
        if not step.moves:
            return ()
        # A thread's, because a text full of new words takes milliseconds.
        texts = await asyncio.to_thread(self._read, step)
        async with self._engine.begin() as connection:
            await connection.run_sync(self._store, step, texts)
        return step.more

    async def close(self) -> None:
        """Do nothing: the connections are the engine's."""

    def _next(self, connection: Connection, topics: Collection[str]) -> _Step:
        behind = connection.execute(unindexed(topics)).all()
        moves = {row.id: (row.reached, row.seq) for row in behind}
        query = (
            select(events_table)
            .join(topics_table, topics_table.c.id == events_table.c.topic_id)
            .outerjoin(search_positions_table, search_positions_table.c.topic_id == topics_table.c.id)
            .where(
                topics_table.c.id.in_(moves), events_table.c.event.in_(self._texts.kinds), events_table.c.seq > REACHED
            )
            .order_by(events_table.c.topic_id, events_table.c.seq)
            .limit(AT_ONCE)
        )
        rows = connection.execute(query).all()
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
        return _Step(moves, passed, self._targets(connection, passed), more)

    def _targets(self, connection: Connection, rows: Iterable[Any]) -> Sequence[Any]:
        """Return the events that some of these have amended, as they are now."""
        amending = [row for row in rows if row.event in self._texts.amending and row.about is not None]
        named = {(row.topic_id, row.about) for row in amending}
        if not named:
            return []
        where = tuple_(events_table.c.topic_id, events_table.c.seq).in_(list(named))
        return connection.execute(select(events_table).where(where)).all()

    def _read(self, step: _Step) -> list[_Text]:
        found: dict[tuple[int, int], _Text] = {}
        for row in (*step.passed, *step.targets):
            said = self._texts.said(row.event, row.payload)
            if said:
                stems = self._texts.stems(row.topic_id, said)
                found[row.topic_id, row.seq] = _Text(row.topic_id, row.seq, row.at, row.event, said, stems)
        return list(found.values())

    def _store(self, connection: Connection, step: _Step, texts: Sequence[_Text]) -> None:
        """Move the positions, and store the texts of the topics that no other worker has moved meanwhile."""
        moved = _move(connection, step.moves)
        mine = [each for each in texts if each.topic_id in moved]
        # In the order of those who amend: the event first, then its row.
        current = _locked(connection, [(each.topic_id, each.seq) for each in mine])
        _forget(connection, [(row.topic_id, row.seq) for row in step.targets if row.topic_id in moved])
        rows = [
            {"topic_id": each.topic_id, "seq": each.seq, "at": each.at, "stems": each.stems}
            for each in mine
            if self._texts.said(each.event, current[each.topic_id, each.seq]) == each.said
        ]
        if rows:
            connection.execute(insert(search_table), rows)


def _move(connection: Connection, moves: Moves) -> set[int]:
    connection.execute(_FIRST, [{"topic_id": topic_id} for topic_id in sorted(moves)])
    positions = search_positions_table
    query = select(positions).where(positions.c.topic_id.in_(moves)).order_by(positions.c.topic_id).with_for_update()
    found = {row.topic_id: row.seq for row in connection.execute(query)}
    mine = {topic_id: after for topic_id, (before, after) in moves.items() if found.get(topic_id) == before}
    if mine:
        moving = update(positions).where(positions.c.topic_id == bindparam("topic")).values(seq=bindparam("after"))
        connection.execute(moving, [{"topic": topic, "after": after} for topic, after in mine.items()])
    return set(mine)


def _forget(connection: Connection, keys: Sequence[tuple[int, int]]) -> None:
    if keys:
        connection.execute(delete(search_table).where(tuple_(search_table.c.topic_id, search_table.c.seq).in_(keys)))


def _locked(connection: Connection, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Return the payloads of events, which nothing amends until the transaction ends."""
    if not keys:
        return {}
    where = tuple_(events_table.c.topic_id, events_table.c.seq).in_(keys)
    columns = events_table.c.topic_id, events_table.c.seq, events_table.c.payload
    rows = connection.execute(select(*columns).where(where).with_for_update(read=True))
    return {(topic_id, seq): payload for topic_id, seq, payload in rows}
