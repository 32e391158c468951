"""The journal's writer for PostgreSQL: one connection of its own, by asyncpg, five statements a batch.

The counters of the batch's topics are locked first, in name order, so that two workers never wait for each other in
a circle; whoever holds a counter is alone in that topic until its commit. That makes the look-up of known push ids
exact and `seq` order the commit order. (FOR NO KEY UPDATE, because a read mark's foreign key looks at counters that
its batch does not hold, in no order.) The default isolation (READ COMMITTED) is needed: each statement must see what
was committed while the locks were awaited.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import asyncpg

from channels.errors import JournalUnavailable
from channels.journal.journal import Entry, Mark, Receipt

# A batch that takes longer counts as unavailable: pushes must fail within 5 s when the database is away.
COMMIT_SECONDS = 4.0

# A transaction that waits for its worker holds its topics' counters: of a worker that hangs, or whose machine is cut
# off, PostgreSQL would know for hours nothing else. A batch's statements follow each other within milliseconds.
MAX_IDLE_MS = 5_000

_BEGIN = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = {}"
_CREATE = """
    INSERT INTO topics (name, seq) SELECT name, 0 FROM unnest($1::text[]) AS name ORDER BY name ON CONFLICT DO NOTHING
"""
_LOCK = "SELECT name, id, seq FROM topics WHERE name = ANY($1::text[]) ORDER BY name FOR NO KEY UPDATE"
_KNOWN = """
    SELECT topic_id, author_id, push_id, seq, at FROM events WHERE (topic_id, author_id, push_id) IN
    (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[]))
"""
_INSERT = """
    INSERT INTO events (topic_id, seq, event, author_id, push_id, at, payload)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
"""
_ADVANCE = """
    UPDATE topics SET seq = new.seq FROM unnest($1::bigint[], $2::bigint[]) AS new (id, seq) WHERE topics.id = new.id
"""
_MARK = """
    INSERT INTO reads (topic_id, user_id, seq, at)
    SELECT topics.id, mark.user_id, least(mark.seq, topics.seq), mark.at
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS mark (topic, user_id, seq, at)
    JOIN topics ON topics.name = mark.topic ORDER BY topics.id, mark.user_id
    ON CONFLICT (topic_id, user_id) DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > reads.seq
"""


class PostgresqlWriter:
    """Appends batches to the PostgreSQL database at `url` (postgresql://…), whose schema must stand."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None

    async def commit(self, batch: Sequence[Entry], marks: Sequence[Mark]) -> list[Receipt]:
        """Append all or none, as `channels.journal.journal.Writer` says."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                return await self._transact_until_done(batch, marks)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await self.close()
            raise JournalUnavailable(str(error) or type(error).__name__) from error
        except BaseException:
            await self.close()
            raise

    async def _transact_until_done(self, batch: Sequence[Entry], marks: Sequence[Mark]) -> list[Receipt]:
        while True:
            try:
                return await self._transact(batch, marks)
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                # Undone whole, because of somebody else's transaction: it may simply be tried again, within its time.
                await self.close()

    async def _transact(self, batch: Sequence[Entry], marks: Sequence[Mark]) -> list[Receipt]:
        # Not asyncpg's transaction block: its ROLLBACK, after the time is up, would wait for the database without end.
        # Dropping the connection rolls back as well.
        connection = self._connection or await self._connect()
        await connection.execute(_BEGIN.format(MAX_IDLE_MS))
        receipts = await _append(connection, batch)
        await _mark(connection, marks)
        await connection.execute("COMMIT")
        return receipts

    async def close(self) -> None:
        """Drop the connection, with whatever transaction is open on it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def _connect(self) -> asyncpg.Connection:
        self._connection = await asyncpg.connect(self._url)
        return self._connection


async def _append(connection: asyncpg.Connection, batch: Sequence[Entry]) -> list[Receipt]:
    if not batch:
        return []
    names = sorted({entry.topic for entry in batch})
    await connection.execute(_CREATE, names)
    counters = {name: [id_, seq] for name, id_, seq in await connection.fetch(_LOCK, names)}
    known = await _known(connection, counters, batch)
    receipts, rows = _assign(counters, known, batch)
    if rows:
        await connection.execute(_INSERT, *(list(column) for column in zip(*rows, strict=True)))
    await connection.execute(_ADVANCE, [id_ for id_, _ in counters.values()], [seq for _, seq in counters.values()])
    return receipts


Known = dict[tuple[int, int, str], Receipt]


async def _known(connection: asyncpg.Connection, counters: dict[str, list[int]], batch: Sequence[Entry]) -> Known:
    pushes = [(counters[entry.topic][0], entry.author_id, entry.push_id) for entry in batch if entry.push_id]
    if not pushes:
        return {}
    rows = await connection.fetch(_KNOWN, *(list(column) for column in zip(*pushes, strict=True)))
    return {(topic, author, push): Receipt(seq, at, fresh=False) for topic, author, push, seq, at in rows}


def _assign(
    counters: dict[str, list[int]], known: Known, batch: Sequence[Entry]
) -> tuple[list[Receipt], list[tuple[object, ...]]]:
    # Gives each new entry its topic's next seq; a push id that comes twice in the batch counts once, too.
    receipts: list[Receipt] = []
    rows: list[tuple[object, ...]] = []
    for entry in batch:
        counter = counters[entry.topic]
        push = (counter[0], entry.author_id, entry.push_id) if entry.push_id else None
        receipt = known.get(push) if push else None
        if receipt is None:
            counter[1] += 1
            receipt = Receipt(counter[1], entry.at)
            rows.append((*counter, entry.event, entry.author_id, entry.push_id, entry.at, entry.payload.decode()))
            if push:
                known[push] = Receipt(receipt.seq, receipt.at, fresh=False)
        receipts.append(receipt)
    return receipts, rows


async def _mark(connection: asyncpg.Connection, marks: Sequence[Mark]) -> None:
    if marks:
        columns = zip(*((mark.topic, mark.user_id, mark.seq, mark.at) for mark in marks), strict=True)
        await connection.execute(_MARK, *(list(column) for column in columns))
