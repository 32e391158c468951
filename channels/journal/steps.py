"""What changes stored events step by step, beside the writers: its transactions, its topics, and the event that tells.

Each step is one short transaction; between two of them the writers have the journal to themselves.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.files import exclusively, open_file
from channels.journal.tables import events_table, topics_table

# How long the writers have the journal to themselves between two steps.
PAUSE_SECONDS = 0.01

T = TypeVar("T")


class Notice(NamedTuple):
    """The event that is appended to a topic in which something was changed."""

    event: str
    payload: bytes


class StoredTopic(NamedTuple):
    """A topic as the journal has it."""

    id: int
    name: str
    seq: int


class Steps:
    """The transactions on one journal."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._file = open_file(engine.url) if engine.dialect.name == "sqlite" else None

    async def topics(self) -> list[StoredTopic]:
        """Return all topics."""
        columns = topics_table.c.id, topics_table.c.name, topics_table.c.seq
        return await self.run(lambda connection: [StoredTopic(*row) for row in connection.execute(select(*columns))])

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run a function that reads."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in a writing transaction, in turn with the writers, and let them go first afterwards."""
        try:
            if self._file is not None:
                return await asyncio.to_thread(exclusively, self._file, work)
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await asyncio.sleep(PAUSE_SECONDS)


# How each kind of database stamps a counter that moves (channels.journal.moves).
_STAMPS = {
    "sqlite": "(SELECT coalesce(max(moved), 0) + 1 FROM topics)",
    "postgresql": "pg_current_xact_id()::text::bigint",
}


def advance(topic_id: int, by: int, connection: Connection) -> int:
    """Advance the counter of a topic; return where it is now."""
    moving = update(topics_table).where(topics_table.c.id == topic_id)
    moving = moving.values(seq=topics_table.c.seq + by, moved=text(_STAMPS[connection.dialect.name]))
    return int(connection.execute(moving.returning(topics_table.c.seq)).scalar_one())


def append(topic_id: int, notice: Notice, connection: Connection) -> bool:
    """Append an event of nobody to a topic; return True."""
    seq = advance(topic_id, 1, connection)
    row = {"topic_id": topic_id, "seq": seq, "event": notice.event, "author_id": 0, "at": time.time_ns() // 1_000_000}
    connection.execute(insert(events_table), {**row, "payload": notice.payload.decode()})
    return True
