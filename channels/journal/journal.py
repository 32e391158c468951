"""The durable, ordered log of every topic.

    append() -> queue -> one task commits batch after batch -> on_commit(new events) -> each entry's `done`

An idle server commits an event at once; a busy one gathers what comes while the last transaction is under way (group
commit), so that hundreds of events cost one. The next `seq` of a topic comes from its counter, taken inside the
transaction by the writer of the database at hand (`journal_sqlite`, `journal_postgresql`): commit order and `seq`
order are the same. Reads go through SQLAlchemy and are the same everywhere.

The journal knows neither sessions nor what events mean.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Code, JournalUnavailable, Refused
from channels.wire.codec import Event, stamped

log = logging.getLogger(__name__)

# Entries and bytes that may wait for their transaction: about a second of what SQLite commits here, and a bound on
# the memory of a database that hangs. Past it a push is refused at once rather than answered late.
MAX_QUEUED = 10_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024

# Entries in one transaction: past a few hundred the cost per event no longer falls, and the first would wait longer.
MAX_BATCH = 500

# While several pushes come at once, a transaction waits so long for more, then until none has come for a moment (the
# second), but no longer than the third; alone, a push is committed at once. Measured, CPU of all: 1,000 pushes a second
# to classes of 20 cost 410 µs each without, 300 to 400 so. To a class of 2,000 with 64 in flight a delivery costs
# 0.24 µs without, 0.14 so: writing to all takes 12 ms, and the first few pushes after that would have it done alone.
GATHER_SECONDS = 0.004
QUIET_SECONDS = 0.0015
MAX_GATHER_SECONDS = 0.012

# Readings under way at once: as many as the database has connections for, and a bound on what their rows hold.
MAX_READING = 8

# A reading that takes longer counts as unavailable, as a commit does: joins must fail within 5 s, too.
READ_SECONDS = 4.0

metadata = MetaData()

# SQLite gives ids by itself only to a column of type INTEGER.
_Id = BigInteger().with_variant(Integer(), "sqlite")

# One row: the name of this journal (positions of one mean nothing in another), and a secret that all workers have who
# share it, and nobody else.
journal_table = Table(
    "journal", metadata, Column("epoch", String(32), primary_key=True), Column("key", String(64), nullable=False)
)

# The counter of each topic: `seq` is that of its newest event.
topics_table = Table(
    "topics",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("seq", BigInteger, nullable=False, default=0),
)

# `payload` is the event's JSON object as its feature made it, without `seq` and `at`; times are ms since 1970.
events_table = Table(
    "events",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("event", String(64), nullable=False),
    Column("author_id", BigInteger, nullable=False),
    Column("push_id", String(64)),
    Column("at", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    UniqueConstraint("topic_id", "author_id", "push_id", name="events_push"),
    sqlite_with_rowid=False,
)
Index("events_kind", events_table.c.topic_id, events_table.c.event, events_table.c.seq)

# How far each user has read each topic.
reads_table = Table(
    "reads",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("user_id", BigInteger, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


class Entry(msgspec.Struct, gc=False):
    """An event to be appended: its JSON object, its time (`at`, ms), and the client's own id of it (`push_id`)."""

    topic: str
    event: str
    payload: bytes
    author_id: int
    push_id: str | None
    at: int


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """Where an entry stands in its topic; not `fresh`: it stood there before this commit, under the same push id."""

    seq: int
    at: int
    fresh: bool = True


class Mark(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """That a user has read a topic up to a position, and when (ms)."""

    topic: str
    user_id: int
    seq: int
    at: int


class Writer(Protocol):
    """Commits batches to one kind of database."""

    async def commit(self, batch: Sequence[Entry], marks: Sequence[Mark]) -> list[Receipt]:
        """Append all or none, in one transaction, in the order given per topic; one receipt for each entry.

        Read marks go into the same transaction; they move forward, never back, and no further than the topic's head.
        Raises `JournalUnavailable` when the database does not answer; whether the batch was committed is then unknown,
        and sending the same push ids again settles it.
        """

    async def close(self) -> None:
        """Give the connection back."""


Done = Callable[[Receipt | Refused], None]

_UNAVAILABLE = Refused(Code.UNAVAILABLE, "the message could not be stored; send it again", retry_after=2_000)


class Journal:
    """The log of one cluster: `append` writes, the other methods read.

    `on_commit` is called in the event loop with each batch's new events, in commit order, before any `done` of it;
    `on_doubt` with the topics of a batch of which nobody knows whether it was committed; `on_known` with the topic and
    position of an event that was there before.
    """

    def __init__(self, engine: AsyncEngine, writer: Writer) -> None:
        self.on_commit: Callable[[Sequence[tuple[Entry, Event]]], None] = lambda batch: None
        self.on_doubt: Callable[[set[str]], None] = lambda topics: None
        self.on_known: Callable[[str, int], None] = lambda topic, seq: None
        self._engine = engine
        self._writer = writer
        self._queue: deque[tuple[Entry, Done]] = deque()
        self._queued_bytes = 0
        self._marks: dict[tuple[str, int], Mark] = {}
        self._committing: asyncio.Task[None] | None = None
        self._appended_at = 0.0  # by the event loop's clock
        self._is_busy = False  # the last transaction had several entries
        self._closed = False
        self._failing: set[str] = set()
        self._reading = asyncio.Semaphore(MAX_READING)
        self.epoch = ""
        self.key = ""

    async def start(self) -> None:
        """Read the journal's name, and the key of its workers; raises `JournalUnavailable`."""
        rows = await self._fetch(select(journal_table))
        self.epoch, self.key = rows[0].epoch, rows[0].key

    async def close(self) -> None:
        """Commit what is gathered, then let go of the database; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        while self._committing is not None:
            await self._committing
        await self._writer.close()

    def append(self, entry: Entry, done: Done) -> None:
        """Put an event in the batch that is gathering; `done` gets its receipt after the commit, or why it failed.

        Entries of one topic are committed in the order of the calls. Raises `Refused` (OVERLOADED) when too many wait.
        """
        if len(self._queue) >= MAX_QUEUED or self._queued_bytes >= MAX_QUEUED_BYTES or self._closed:
            raise Refused(Code.OVERLOADED, "too many messages wait to be stored; send it again", retry_after=1_000)
        self._queue.append((entry, done))
        self._queued_bytes += len(entry.payload)
        self._appended_at = asyncio.get_running_loop().time()
        self._start_committing()

    def mark_read(self, mark: Mark) -> None:
        """Keep how far a user has read, with the next transaction; of several marks only the furthest is written.

        Nobody waits for it: a mark that is lost with the process is made again when the page is read again.
        Raises `Refused` (OVERLOADED) when too many wait.
        """
        key = (mark.topic, mark.user_id)
        known = self._marks.get(key)
        if known is None and (len(self._marks) >= MAX_QUEUED or self._closed):
            raise Refused(Code.OVERLOADED, "too many marks wait to be stored; send it again", retry_after=1_000)
        if known is None or mark.seq > known.seq:
            self._marks[key] = mark
        self._start_committing()

    def _start_committing(self) -> None:
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())

    async def _commit_all(self) -> None:
        try:
            while self._queue or self._marks:
                if self._is_busy:
                    await self._gather()
                self._is_busy = len(self._queue) > 1
                await self._commit_batch()
        finally:
            self._committing = None

    async def _gather(self) -> None:
        time = asyncio.get_running_loop().time
        begun = time()
        until = begun + GATHER_SECONDS
        while (wait := until - time()) > 0 and not self._closed:
            await asyncio.sleep(wait)
            until = min(self._appended_at + QUIET_SECONDS, begun + MAX_GATHER_SECONDS)

    async def _commit_batch(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
        self._queued_bytes -= sum(len(entry.payload) for entry, _ in batch)
        marks, self._marks = list(self._marks.values()), {}
        try:
            receipts = await self._writer.commit([entry for entry, _ in batch], marks)
        except Exception as error:
            if isinstance(error, JournalUnavailable):
                self._tell("written", error)
            else:
                log.exception("a batch of %d events could not be committed", len(batch))
            self._fail(batch, marks)
            return
        self._tell("written", None)
        try:
            self._publish(batch, receipts)
        except Exception:  # what is committed stays so, and whoever sent it must be told
            log.exception("a committed batch could not be delivered")
        self._finish(batch, receipts)

    def _fail(self, batch: list[tuple[Entry, Done]], marks: list[Mark]) -> None:
        self._finish(batch, [_UNAVAILABLE] * len(batch))
        if batch:
            self.on_doubt({entry.topic for entry, _ in batch})
        # They were answered; the newest go with the next transaction, which the next push or mark begins.
        for mark in marks:
            key = (mark.topic, mark.user_id)
            if key not in self._marks or self._marks[key].seq < mark.seq:
                self._marks[key] = mark

    def _tell(self, what: str, error: JournalUnavailable | None) -> None:
        # Once when it begins and once when it ends, not once for each of thousands of pushes. A full disk can be read.
        if error is not None and what not in self._failing:
            self._failing.add(what)
            log.error("The journal cannot be %s: %s", what, error)
        elif error is None and what in self._failing:
            self._failing.discard(what)
            log.warning("The journal can be %s again", what)

    def _publish(self, batch: list[tuple[Entry, Done]], receipts: list[Receipt]) -> None:
        fresh = []
        for (entry, _), receipt in zip(batch, receipts, strict=True):
            if receipt.fresh:
                payload = stamped(entry.payload, receipt.seq, receipt.at)
                fresh.append((entry, Event(receipt.seq, entry.event, payload)))
            else:
                self.on_known(entry.topic, receipt.seq)
        self.on_commit(fresh)

    def _finish(self, batch: list[tuple[Entry, Done]], outcomes: Sequence[Receipt | Refused]) -> None:
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            try:
                done(outcome)
            except Exception:  # one client's reply must not cost the rest of the batch theirs
                log.exception("an append's outcome could not be told")

    async def heads(self, topics: Collection[str]) -> dict[str, int]:
        """Return the positions of the newest events of those of `topics` that have any."""
        query = select(topics_table.c.name, topics_table.c.seq).where(topics_table.c.name.in_(topics))
        return {row.name: row.seq for row in await self._fetch(query)}

    async def after(self, topic: str, seq: int, limit: int, events: Collection[str] = ()) -> list[Event]:
        """Read at most `limit` events past a position, oldest first; of the kinds in `events`, if any are named."""
        query = self._select(topic, events).where(events_table.c.seq > seq).order_by(events_table.c.seq).limit(limit)
        return await self._read(query)

    async def before(self, topic: str, seq: int | None, limit: int, events: Collection[str] = ()) -> list[Event]:
        """Read the newest `limit` events below a position (None: below the end), oldest first."""
        query = self._select(topic, events).order_by(events_table.c.seq.desc()).limit(limit)
        if seq is not None:
            query = query.where(events_table.c.seq < seq)
        return (await self._read(query))[::-1]

    async def marks(self, topic: str) -> dict[int, int]:
        """Return how far users have read a topic, by their ids; of those who never have, nothing."""
        query = (
            select(reads_table.c.user_id, reads_table.c.seq)
            .join(topics_table, topics_table.c.id == reads_table.c.topic_id)
            .where(topics_table.c.name == topic)
        )
        return {row.user_id: row.seq for row in await self._fetch(query)}

    async def readers(self, topic: str, seq: int) -> list[int]:
        """Return the ids of the users who have read a topic up to a position or further."""
        query = (
            select(reads_table.c.user_id)
            .join(topics_table, topics_table.c.id == reads_table.c.topic_id)
            .where(topics_table.c.name == topic, reads_table.c.seq >= seq)
            .order_by(reads_table.c.at)
        )
        return [row.user_id for row in await self._fetch(query)]

    @staticmethod
    def _select(topic: str, events: Collection[str]) -> Any:
        topic_id = select(topics_table.c.id).where(topics_table.c.name == topic).scalar_subquery()
        query = select(events_table).where(events_table.c.topic_id == topic_id)
        return query.where(events_table.c.event.in_(events)) if events else query

    async def _read(self, query: Any) -> list[Event]:
        rows = await self._fetch(query)
        return [Event(row.seq, row.event, stamped(row.payload.encode(), row.seq, row.at)) for row in rows]

    async def _fetch(self, query: Any) -> Sequence[Any]:
        async with self._reading:
            try:
                rows = await self._fetch_now(query)
            except (IntegrityError, ProgrammingError, DataError):
                raise  # we asked for something wrong; the database is well
            except (DBAPIError, PoolTimeoutError, OSError, TimeoutError) as error:
                away = JournalUnavailable(str(getattr(error, "orig", None) or error) or "it does not answer")
                self._tell("read", away)
                raise away from error
        self._tell("read", None)
        return rows

    async def _fetch_now(self, query: Any) -> Sequence[Any]:
        async with asyncio.timeout(READ_SECONDS), self._engine.connect() as connection:
            try:
                return (await connection.execute(query)).all()
            except asyncio.CancelledError:
                # Its answer may still come: nobody else must get it.
                await connection.invalidate()
                raise
