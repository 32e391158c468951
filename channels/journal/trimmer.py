"""Deletes stored events that are older than a school keeps them, in steps that keep writers waiting for milliseconds.

Positions are not given anew: where events were deleted there is a gap, and a client that comes back from below it is
told so. What stands for a deleted event in a topic's snapshot goes with it. A topic in which something was deleted gets
an event that says so. Workers that keep the topic in memory then read it again.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.files import checkpoint
from channels.journal.steps import Notice, Steps, StoredTopic, append
from channels.journal.tables import (
    audited_table,
    choices_table,
    events_table,
    search_table,
    snapshots_table,
    spells_table,
    timers_table,
    topics_table,
    versions_table,
)

# Events that one transaction deletes: some 10 ms on SQLite, with their places in four indexes.
AT_ONCE = 200

_E = events_table.c


class Trimmer(Steps):
    """Deletes from the journal of one database."""

    def __init__(self, engine: AsyncEngine, notice: Notice) -> None:
        super().__init__(engine)
        self._notice = notice

    async def topics_with(self, kinds: Collection[str], before: int) -> list[StoredTopic]:
        """Return the topics that have events of these kinds from before a time (ms)."""
        old = select(_E.topic_id).where(_E.event.in_(kinds), _E.at < before).distinct()
        columns = topics_table.c.id, topics_table.c.name, topics_table.c.seq
        query = select(*columns).where(topics_table.c.id.in_(old)).order_by(topics_table.c.id)
        return await self.run(lambda connection: [StoredTopic(*row) for row in connection.execute(query)])

    async def trim(
        self, topic: StoredTopic, kinds: Collection[str], before: int, expired: Callable[[Row[Any]], bool]
    ) -> int:
        """Delete a topic's events of these kinds from before a time that `expired` agrees to; return how many."""
        after, count = 0, 0
        while page := await self.run(partial(_old, topic.id, kinds, before, after)):
            after = page[-1].seq
            positions = [row.seq for row in page if expired(row)]
            if positions:
                count += await self.write(partial(_delete, topic.id, positions))
        return count

    async def delete(self, topic: StoredTopic, positions: Sequence[int]) -> int:
        """Delete the events at these positions of a topic; return how many there were."""
        count = 0
        for start in range(0, len(positions), AT_ONCE):
            count += await self.write(partial(_delete, topic.id, positions[start : start + AT_ONCE]))
        return count

    async def tell(self, topic: StoredTopic) -> None:
        """Append the event which says that something was deleted."""
        await self.write(partial(append, topic.id, self._notice))

    async def read(self, topic_id: int, kinds: Collection[str]) -> Sequence[Row[Any]]:
        """Return a topic's events of these kinds, of which there are few."""
        query = select(events_table).where(_E.topic_id == topic_id, _E.event.in_(kinds)).order_by(_E.seq)
        return await self.run(lambda connection: connection.execute(query).all())

    async def give_back(self) -> None:
        """Give the free pages of an SQLite file back to its file system, some at a time."""
        if self._file is not None:
            while await self.write(_vacuum_some):
                pass
            await asyncio.to_thread(checkpoint, self._file)


def _old(topic_id: int, kinds: Collection[str], before: int, after: int, connection: Connection) -> Sequence[Row[Any]]:
    # What waits to be copied to the audit log, or for its time, is not old yet.
    waiting = [select(table.c.seq).where(table.c.topic_id == topic_id) for table in (audited_table, timers_table)]
    # A topic that is folded from its first event must come to the newest governing one, as its counter has it.
    governed = select(topics_table.c.governed).where(topics_table.c.id == topic_id).scalar_subquery()
    query = select(_E.seq, _E.event, _E.author_id, _E.at, _E.payload).where(
        _E.topic_id == topic_id,
        _E.seq > after,
        _E.event.in_(kinds),
        _E.at < before,
        *(_E.seq.not_in(each) for each in waiting),
        _E.seq != governed,
    )
    found: Any = connection.execute(query.order_by(_E.seq).limit(AT_ONCE)).all()
    return list(found)


def _delete(topic_id: int, positions: Sequence[int], connection: Connection) -> int:
    # The counter first, as every writer does.
    connection.execute(select(topics_table.c.seq).where(topics_table.c.id == topic_id).with_for_update(key_share=True))
    places = {
        search_table: search_table.c.seq,
        versions_table: versions_table.c.seq,
        choices_table: choices_table.c.target,
        spells_table: spells_table.c.period,
    }
    for table, column in places.items():
        connection.execute(delete(table).where(table.c.topic_id == topic_id, column.in_(positions)))
    deleted = connection.execute(delete(events_table).where(_E.topic_id == topic_id, _E.seq.in_(positions)))
    _shorten_snapshot(connection, topic_id, frozenset(positions))
    return deleted.rowcount


def _shorten_snapshot(connection: Connection, topic_id: int, positions: frozenset[int]) -> None:
    where = snapshots_table.c.topic_id == topic_id
    state = connection.execute(select(snapshots_table.c.state).where(where)).scalar()
    if state is None:
        return
    given = msgspec.msgpack.decode(state)
    left = _without(given, positions)
    if left != given:
        connection.execute(update(snapshots_table).where(where).values(state=msgspec.msgpack.encode(left)))


def _without(value: Any, positions: frozenset[int]) -> Any:
    """Return a state without the items of lists that stand for events at these positions."""
    if isinstance(value, dict):
        return {name: _without(each, positions) for name, each in value.items()}
    if isinstance(value, list):
        return [_without(each, positions) for each in value if not _stands_for(each, positions)]
    return value


def _stands_for(value: Any, positions: frozenset[int]) -> bool:
    return isinstance(value, dict) and value.get("seq") in positions


# Pages that one step moves: some 5 ms.
_PAGES = 200


def _vacuum_some(connection: Connection) -> bool:
    before = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    if before:
        # The statement has a row without columns for each page that it moves. Python's driver takes such a statement to
        # be done after the first, but for a script, which is a transaction of its own.
        driver: Any = connection.connection.driver_connection
        driver.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
    return bool(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() < before)
