"""Reads what happened in a topic, in parts, for its transcript."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, select

from channels.journal.tables import events_table, topics_table
from server.databases import DbSessions, reading

# Events of one part: 2 MB of the longest texts.
AT_ONCE = 500


class TranscriptEvent(NamedTuple):
    """One event, with its payload as it is now: hidden words are in none."""

    seq: int
    at: int
    event: str
    payload: dict[str, Any]


async def read_transcript(
    sessions: DbSessions, topic: str, events: Collection[str], since: int | None, until: int | None
) -> AsyncIterator[list[TranscriptEvent]]:
    """Yield the events of these kinds from a time (ms; None: the first) until before another, in order, in parts."""
    topic_id = select(topics_table.c.id).where(topics_table.c.name == topic).scalar_subquery()
    query = select(events_table).where(events_table.c.topic_id == topic_id, events_table.c.event.in_(events))
    if since is not None:
        query = query.where(events_table.c.at >= since)
    if until is not None:
        query = query.where(events_table.c.at < until)
    query = query.order_by(events_table.c.seq).limit(AT_ONCE)
    after = 0
    while True:
        # Each part in a transaction of its own: a client that reads slowly holds none.
        async with reading(sessions) as db:
            rows = (await db.execute(query.where(events_table.c.seq > after))).all()
        if rows:
            yield _events(rows)
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].seq


def _events(rows: Sequence[Row[Any]]) -> list[TranscriptEvent]:
    return [TranscriptEvent(row.seq, row.at, row.event, msgspec.json.decode(row.payload)) for row in rows]
