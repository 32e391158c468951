"""The durable, ordered log of every topic.

    append() -> CommitQueue -> Writer (sqlite, postgresql) -> the database -> heads(), after(), before(), …

The next `seq` of a topic comes from its counter, taken inside the transaction by the writer of the database at hand:
commit order and `seq` order are the same. Reads go through SQLAlchemy and are the same for both.

The journal knows neither sessions nor what events mean.

The reasons: docs/notes/order.md.
"""

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, literal_column, or_, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import JournalUnavailable
from channels.journal.availability import Availability
from channels.journal.commit_queue import (
    CLOSE_SECONDS,
    COMMIT_DELAY_SECONDS,
    MAX_COMMIT_DELAY_SECONDS,
    QUIET_SECONDS,
    RETRY_SECONDS,
    CommitQueue,
)
from channels.journal.entry import (
    Activity,
    Checked,
    Done,
    DueTimer,
    Entry,
    JournalListener,
    KeptSpell,
    Mark,
    Receipt,
    Snapshot,
    Spells,
    Unended,
    Writer,
)
from channels.journal.moves import Moves, moves, moves_query
from channels.journal.search_index import Hit, Place, SearchIndex, TextOf
from channels.journal.tables import (
    choices_table,
    events_table,
    journal_table,
    reads_table,
    snapshots_table,
    spell_workers_table,
    spells_table,
    timers_table,
    topics_table,
    versions_table,
)
from channels.limit import MAX_SEARCHING
from channels.wire.codec import Event, stamped

T = TypeVar("T")

# Reads under way at once: as many as the database has connections for, and a bound on what their rows hold.
MAX_READING = 8

# A read that takes longer counts as unavailable, as a commit does: joins must fail within 5 s, too.
READ_SECONDS = 4.0


class Journal:
    """The log of one cluster: `append`, `mark_read` and `keep_snapshot` write, the other methods read.

    `open` before the first read of `epoch` and `key`, `start` before the first write.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        writer: Writer,
        *,
        read_seconds: float = READ_SECONDS,
        commit_delay_seconds: float = COMMIT_DELAY_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        max_commit_delay_seconds: float = MAX_COMMIT_DELAY_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._engine = engine
        self._commits = CommitQueue(
            writer,
            commit_delay_seconds=commit_delay_seconds,
            quiet_seconds=quiet_seconds,
            max_commit_delay_seconds=max_commit_delay_seconds,
            retry_seconds=retry_seconds,
            close_seconds=close_seconds,
        )
        self._slots = asyncio.Semaphore(MAX_READING)
        self._searching = asyncio.Semaphore(MAX_SEARCHING)
        self._index = SearchIndex(engine, {}, ())
        self._read_seconds = read_seconds
        self._reads: set[asyncio.Task[Any]] = set()
        self._reading = Availability("read")
        self.epoch = ""
        self.key = ""

    async def open(self) -> None:
        """Read the journal's name, and the key of its workers; raises `JournalUnavailable`."""
        rows = await self._fetch(select(journal_table))
        self.epoch, self.key = rows[0].epoch, rows[0].key

    def start(self, listener: JournalListener) -> None:
        """Report to `listener` what is committed from now on."""
        self._commits.start(listener)

    async def close(self) -> None:
        """Commit what waits, or refuse it where the database is away; a second call does nothing."""
        await self._commits.close()

    def append(self, entries: Sequence[Entry], done: Done, checked: Checked | None = None) -> None:
        """Store entries in one transaction, all or none, and call `done` with the receipt of the first, or why not.

        The entries may be of several topics; those of one topic are stored in the order of the calls. The first is the
        push's own: where its author, topic and push id were stored before, `done` gets that receipt and nothing is
        stored. A push id of the others must be new in their topics. Where a governing event was stored after `checked`,
        `done` gets `Superseded` and nothing is stored.
        Raises `Refused` (OVERLOADED) when too many wait.
        """
        self._commits.append(entries, done, checked)

    def mark_read(self, mark: Mark) -> None:
        """Keep how far a user has read, with the next transaction; of several marks only the furthest is written.

        Nobody waits for it: a mark that is lost with the process is made again when the page is read again.
        Raises `Refused` (OVERLOADED) when too many wait.
        """
        self._commits.mark_read(mark)

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Keep a topic's state, with the next transaction; of several snapshots only the furthest is kept.

        Nobody waits for it: where it is lost, the next one to load the topic reads more events.
        """
        self._commits.keep_snapshot(snapshot)

    def keep_spells(self, spells: Spells) -> None:
        """Keep who was in which topic, with the next transactions.

        Nobody waits for it: while the database is away they wait; what is lost with the process ends when the worker
        wrote last.
        """
        self._commits.keep_spells(spells)

    async def receipt(self, topic: str, author_id: int, push_id: str) -> Receipt | None:
        """Return where a push is stored, if it is."""
        query = (
            select(events_table.c.seq, events_table.c.at)
            .join(topics_table, topics_table.c.id == events_table.c.topic_id)
            .where(
                topics_table.c.name == topic,
                events_table.c.author_id == author_id,
                events_table.c.push_id == push_id,
            )
        )
        rows = await self._fetch(query)
        return Receipt(rows[0].seq, rows[0].at, fresh=False) if rows else None

    async def snapshot(self, topic: str) -> Snapshot | None:
        """Return the furthest snapshot of a topic's state, if there is one."""
        query = (
            select(snapshots_table.c.seq, snapshots_table.c.state)
            .join(topics_table, topics_table.c.id == snapshots_table.c.topic_id)
            .where(topics_table.c.name == topic)
        )
        rows = await self._fetch(query)
        return Snapshot(topic, rows[0].seq, rows[0].state) if rows else None

    async def heads(self, topics: Collection[str]) -> dict[str, int]:
        """Return the positions of the newest events of those of `topics` that have any."""
        query = select(topics_table.c.name, topics_table.c.seq).where(
            topics_table.c.name.in_(topics), topics_table.c.seq > 0
        )
        return {row.name: row.seq for row in await self._fetch(query)}

    async def moved(self, since: int | None) -> Moves:
        """Return the topics that have moved since the `next` of an earlier answer; None: those since this call."""
        return moves(await self._fetch(moves_query(self._engine.dialect.name, since)))

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

    async def count(
        self, topic: str, after: int, before: int | None, limit: int, *, events: Collection[str], not_by: int
    ) -> int:
        """Return how many events, `limit` at most, are between two positions (None: the end) and not by this author."""
        query = self._select(topic, events).where(events_table.c.seq > after, events_table.c.author_id != not_by)
        if before is not None:
            query = query.where(events_table.c.seq < before)
        found = query.with_only_columns(events_table.c.seq).limit(limit).subquery()
        rows = await self._fetch(select(func.count()).select_from(found))
        return int(rows[0][0])

    async def activity(self, topic: str, event: str, since: int, width: int) -> list[Activity]:
        """Return how many events of a kind each author has stored in each `width` ms since a time (ms), in order.

        Costs by the events of that kind in the topic, by an index: the times of the older ones are looked at, too.
        """
        # No parameter: PostgreSQL must see that what is selected is what is grouped by.
        slot = (events_table.c.at // literal_column(str(int(width)), BigInteger)).label("slot")
        query = self._select(topic, [event]).where(events_table.c.at >= since)
        query = query.with_only_columns(slot, events_table.c.author_id, func.count())
        query = query.group_by(slot, events_table.c.author_id).order_by(slot, events_table.c.author_id)
        return [Activity(*row) for row in await self._fetch(query)]

    async def at(self, topic: str, seq: int) -> Event | None:
        """Read the event at a position; None where there is none."""
        events = await self._read(self._select(topic, ()).where(events_table.c.seq == seq))
        return events[0] if events else None

    async def about(self, topic: str, target: int, events: Collection[str], limit: int) -> list[Event]:
        """Read the newest `limit` events of these kinds that are about the one at a position, oldest first."""
        query = self._select(topic, events).where(events_table.c.about == target)
        return (await self._read(query.order_by(events_table.c.seq.desc()).limit(limit)))[::-1]

    async def count_about(self, topic: str, target: int, limit: int) -> int:
        """Return how many events, `limit` at most, are about the one at a position."""
        query = self._select(topic, ()).where(events_table.c.about == target)
        found = query.with_only_columns(events_table.c.seq).limit(limit).subquery()
        return int((await self._fetch(select(func.count()).select_from(found)))[0][0])

    async def version(self, topic: str, seq: int, amended_by: int) -> bytes | None:
        """Return the payload that an event had before it was amended, without position and time."""
        query = (
            select(versions_table.c.payload)
            .join(topics_table, topics_table.c.id == versions_table.c.topic_id)
            .where(topics_table.c.name == topic, versions_table.c.seq == seq, versions_table.c.amended_by == amended_by)
        )
        rows = await self._fetch(query)
        return rows[0].payload.encode() if rows else None

    async def tally(self, topic: str, target: int) -> dict[int, int]:
        """Return how often each value was chosen about the event at a position; forgotten choices do not count."""
        chosen = self._choices(topic).where(choices_table.c.target == target, choices_table.c.value.is_not(None))
        query = chosen.with_only_columns(choices_table.c.value, func.count()).group_by(choices_table.c.value)
        return dict(map(tuple, await self._fetch(query)))

    async def choices(self, topic: str, target: int) -> dict[int, int | None]:
        """Return what users have chosen about the event at a position, by their ids; None where it was forgotten."""
        query = self._choices(topic).where(choices_table.c.target == target)
        rows = await self._fetch(query.order_by(choices_table.c.user_id))
        return {row.user_id: row.value for row in rows}

    async def choices_of(self, topic: str, user_id: int, targets: Collection[int]) -> dict[int, int]:
        """Return what a user has chosen about the events at these positions, by the positions."""
        query = self._choices(topic).where(
            choices_table.c.user_id == user_id,
            choices_table.c.target.in_(targets),
            choices_table.c.value.is_not(None),
        )
        return {row.target: row.value for row in await self._fetch(query.order_by(choices_table.c.target))}

    async def has_chosen(self, topic: str, target: int, user_id: int, push_id: str) -> bool:
        """Tell whether a user's choice about the event at a position was made by this push."""
        query = self._choices(topic).where(choices_table.c.target == target, choices_table.c.user_id == user_id)
        return any(push_id in row.push_ids.split() for row in await self._fetch(query))

    async def versions(self, topic: str, seq: int, event: str, limit: int) -> list[tuple[Event, bytes]]:
        """Read the newest `limit` events of a kind that amended the one at a position, with what it was before each."""
        query = (
            self._select(topic, [event])
            .join(
                versions_table,
                (versions_table.c.topic_id == events_table.c.topic_id)
                & (versions_table.c.amended_by == events_table.c.seq),
            )
            .add_columns(versions_table.c.payload.label("former"))
            .where(versions_table.c.seq == seq)
            .order_by(events_table.c.seq.desc())
            .limit(limit)
        )
        rows = await self._fetch(query)
        return [
            (Event(row.seq, row.event, stamped(row.payload.encode(), row.seq, row.at)), row.former.encode())
            for row in rows[::-1]
        ]

    def index(self, texts: Mapping[str, TextOf], amending: Collection[str]) -> None:
        """Index these kinds of event by what they say; `amending` are the kinds that change the one they are about."""
        self._index = SearchIndex(self._engine, texts, amending)

    async def unindexed(self, topics: Collection[str] | None) -> list[str]:
        """Return which of these topics (None: of all) have events that the index has not reached."""
        return await self._until_late(self._index.behind(topics))

    async def follow(self, topics: Collection[str]) -> bool:
        """Index the next events of these topics; return whether there are more."""
        return await self._until_late(self._index.follow(topics))

    async def find(self, text: str, topics: Collection[str], before: Place | None, limit: int) -> list[Hit]:
        """Return the newest `limit` events of these topics that say all words of a text, older than a place."""

        async def find() -> list[Hit]:
            async with self._searching:
                return await self._index.find(text, topics, before, limit)

        return await self._until_late(find())

    async def _until_late(self, work: Coroutine[Any, Any, T]) -> T:
        # A task of its own, as in `_fetch`.
        task = asyncio.create_task(work)
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)
        try:
            async with asyncio.timeout(self._read_seconds):
                return await asyncio.shield(task)
        except (IntegrityError, ProgrammingError, DataError):
            raise  # the query is wrong; the database is well
        except (DBAPIError, PoolTimeoutError, OSError, TimeoutError) as error:
            raise JournalUnavailable(str(getattr(error, "orig", None) or error) or "it does not answer") from error
        finally:
            task.cancel()

    async def marks(self, topic: str) -> dict[int, int]:
        """Return how far users have read a topic, by their ids; of those who never have, nothing."""
        query = (
            select(reads_table.c.user_id, reads_table.c.seq)
            .join(topics_table, topics_table.c.id == reads_table.c.topic_id)
            .where(topics_table.c.name == topic)
        )
        return {row.user_id: row.seq for row in await self._fetch(query)}

    async def readers(self, topic: str, seq: int, quiet: int = 0) -> list[int]:
        """Return the ids of the users who have read a topic up to a position or further.

        What was read in quiet hours that began at `quiet` (ms), and have not ended yet, does not count.
        """
        query = (
            select(reads_table.c.user_id)
            .join(topics_table, topics_table.c.id == reads_table.c.topic_id)
            .where(topics_table.c.name == topic, _read(quiet) >= seq)
            .order_by(reads_table.c.at)
        )
        return [row.user_id for row in await self._fetch(query)]

    async def marked(self, positions: Mapping[str, int], quiet: int = 0) -> tuple[set[int], set[int]]:
        """Return who has read one of these topics up to its position, and who has had it delivered up to there.

        `quiet` is as for `readers`; what was read has been delivered.
        """
        places = [(topics_table.c.name == topic, seq) for topic, seq in positions.items()]
        read, delivered = (
            or_(*(and_(is_there, reached >= seq) for is_there, seq in places))
            for reached in (_read(quiet), _furthest())
        )
        query = (
            select(reads_table.c.user_id, read.label("has_read"))
            .join(topics_table, topics_table.c.id == reads_table.c.topic_id)
            .where(delivered)
        )
        rows = await self._fetch(query)
        return {row.user_id for row in rows if row.has_read}, {row.user_id for row in rows}

    async def authors(self, topic: str, event: str) -> set[int]:
        """Return the ids of those who have stored an event of one kind in a topic."""
        topic_id = select(topics_table.c.id).where(topics_table.c.name == topic).scalar_subquery()
        stored = and_(events_table.c.topic_id == topic_id, events_table.c.event == event)
        return {row.author_id for row in await self._fetch(select(events_table.c.author_id).where(stored))}

    async def topics_with(self, topics: Collection[str], author_id: int, push_id: str) -> set[str]:
        """Return those of `topics` in which this author has stored a push of this id."""
        query = (
            select(topics_table.c.name)
            .join(events_table, events_table.c.topic_id == topics_table.c.id)
            .where(
                topics_table.c.name.in_(topics),
                events_table.c.author_id == author_id,
                events_table.c.push_id == push_id,
            )
        )
        return {row.name for row in await self._fetch(query)}

    async def timed(self, topic: str) -> list[Event]:
        """Read the events of a topic whose timers still run, oldest first."""
        running = (
            select(timers_table.c.seq)
            .join(topics_table, topics_table.c.id == timers_table.c.topic_id)
            .where(topics_table.c.name == topic)
        )
        return await self._read(
            self._select(topic, ()).where(events_table.c.seq.in_(running)).order_by(events_table.c.seq)
        )

    async def due(self, now: int, limit: int) -> list[DueTimer]:
        """Return the timers whose time (ms) has come, the earliest first, `limit` at most."""
        is_event = and_(events_table.c.topic_id == timers_table.c.topic_id, events_table.c.seq == timers_table.c.seq)
        query = (
            select(topics_table.c.name, timers_table.c.seq, events_table.c.author_id, timers_table.c.action)
            .join(topics_table, topics_table.c.id == timers_table.c.topic_id)
            .join(events_table, is_event)
            .where(timers_table.c.at <= now)
            .order_by(timers_table.c.at)
            .limit(limit)
        )
        return [DueTimer(*row) for row in await self._fetch(query)]

    async def spells(self, topic: str, periods: Collection[int], user_id: int | None = None) -> list[KeptSpell]:
        """Return who was in a topic in the periods that began at these positions, in order; or one user's."""
        spells, workers = spells_table.c, spell_workers_table.c
        query = (
            select(spells.period, spells.user_id, spells.role, spells.began, spells.ended, workers.seen)
            .join(topics_table, topics_table.c.id == spells.topic_id)
            .join(spell_workers_table, workers.worker == spells.worker)
            .where(topics_table.c.name == topic, spells.period.in_(periods))
            .order_by(spells.period, spells.user_id, spells.began)
        )
        if user_id is not None:
            query = query.where(spells.user_id == user_id)
        return [KeptSpell(*row) for row in await self._fetch(query)]

    async def unended(
        self, begins: str, ends: str, prefix: str, topics: Collection[str] | None = None
    ) -> list[Unended]:
        """Return the topics whose newest event of kind `begins` came after that of kind `ends`.

        `prefix` is what their names begin with; where `topics` are given, only those are looked at. Costs two look-ups
        in an index for each such topic.
        """
        events = events_table.alias()
        newest = {
            kind: select(func.max(events.c.seq))
            .where(events.c.topic_id == topics_table.c.id, events.c.event == kind)
            .correlate(topics_table)
            .scalar_subquery()
            for kind in (begins, ends)
        }
        query = (
            select(topics_table.c.name, events_table.c.seq, topics_table.c.governed, events_table.c.at)
            .join(events_table, events_table.c.topic_id == topics_table.c.id)
            .where(
                topics_table.c.name.startswith(prefix, autoescape=True),
                events_table.c.seq == newest[begins],
                events_table.c.seq > func.coalesce(newest[ends], 0),
            )
        )
        if topics is not None:
            query = query.where(topics_table.c.name.in_(topics))
        return [Unended(*row) for row in await self._fetch(query)]

    @staticmethod
    def _select(topic: str, events: Collection[str]) -> Any:
        topic_id = select(topics_table.c.id).where(topics_table.c.name == topic).scalar_subquery()
        query = select(events_table).where(events_table.c.topic_id == topic_id)
        return query.where(events_table.c.event.in_(events)) if events else query

    def _choices(self, topic: str) -> Any:
        topic_id = select(topics_table.c.id).where(topics_table.c.name == topic).scalar_subquery()
        return select(choices_table).where(choices_table.c.topic_id == topic_id)

    async def _read(self, query: Any) -> list[Event]:
        rows = await self._fetch(query)
        return [Event(row.seq, row.event, stamped(row.payload.encode(), row.seq, row.at)) for row in rows]

    async def _fetch(self, query: Any) -> Sequence[Any]:
        task = asyncio.create_task(self._fetch_in_slot(query))
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)
        try:
            # The wait for a slot counts, too: of a thousand joins that wait for a database that hangs, each fails in
            # time. Each client waits for one read at most, which bounds them. A task of its own, because giving up a
            # connection that hangs takes SQLAlchemy 2 s more.
            async with asyncio.timeout(self._read_seconds):
                rows = await asyncio.shield(task)
        except (IntegrityError, ProgrammingError, DataError):
            raise  # the query is wrong; the database is well
        except (DBAPIError, PoolTimeoutError, OSError, TimeoutError) as error:
            away = JournalUnavailable(str(getattr(error, "orig", None) or error) or "it does not answer")
            self._reading.failed(away)
            raise away from error
        finally:
            task.cancel()
        self._reading.succeeded()
        return rows

    async def _fetch_in_slot(self, query: Any) -> Sequence[Any]:
        async with self._slots, self._engine.connect() as connection:
            try:
                return (await connection.execute(query)).all()
            except asyncio.CancelledError:
                # Its answer may still come: no other read must get it.
                await connection.invalidate()
                raise


def _read(quiet: int) -> ColumnElement[int]:
    """Return how far a user has read, without what was read in quiet hours that began at a time."""
    seq = reads_table.c.seq
    return case((reads_table.c.quiet == quiet, reads_table.c.held), else_=seq) if quiet else seq


def _furthest() -> ColumnElement[int]:
    """Return up to where a topic was delivered to a user or read by them."""
    seq, delivered = reads_table.c.seq, reads_table.c.delivered
    return case((delivered > seq, delivered), else_=seq)
