"""The durable, ordered log of every topic.

    append() -> CommitQueue -> Writer (sqlite, postgresql) -> the database -> heads(), after(), before(), …

The next `seq` of a topic comes from its counter, taken inside the transaction by the writer of the database at hand:
commit order and `seq` order are the same. Reads go through SQLAlchemy (queries.py, reader.py), the same for both.

The journal knows neither sessions nor what events mean.

The reasons: docs/notes/order.md.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal import by_kind, queries
from channels.journal.census import parts_query, topics_query
from channels.journal.commit_queue import CLOSE_SECONDS, RETRY_SECONDS, CommitQueue, Commits
from channels.journal.entry import (
    Activity,
    Census,
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
from channels.journal.file_reader import Parameters
from channels.journal.file_version import Version
from channels.journal.group_commit import GroupCommit
from channels.journal.moves import Moves
from channels.journal.polls import Polls
from channels.journal.reader import READ_SECONDS, Reader
from channels.journal.search_index import Hit, Place, SearchIndex
from channels.journal.search_texts import TextOf
from channels.journal.tables import events_table, journal_table
from channels.limit import MAX_SEARCHING
from channels.wire.codec import Event, stamped


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
        group_commit: GroupCommit | None = None,
        retry_seconds: float = RETRY_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._engine = engine
        self._commits = CommitQueue(
            writer,
            group_commit=group_commit,
            retry_seconds=retry_seconds,
            close_seconds=close_seconds,
        )
        self._reader = Reader(engine, read_seconds)
        self._polls = Polls(engine, self._reader)
        self._searching = asyncio.Semaphore(MAX_SEARCHING)
        self._index = SearchIndex(engine, {}, ())
        self.epoch = ""
        self.key = ""

    async def open(self) -> None:
        """Read the journal's name, and the key of its workers; raises `JournalUnavailable`."""
        rows = await self._reader.fetch(select(journal_table))
        self.epoch, self.key = rows[0].epoch, rows[0].key

    def start(self, listener: JournalListener) -> None:
        """Report to `listener` what is committed from now on."""
        self._commits.start(listener)

    async def close(self) -> None:
        """Commit what waits, or refuse it where the database is away; a second call does nothing."""
        await self._commits.close()
        await self._index.close()
        self._polls.close()
        self._reader.close()

    @property
    def commits(self) -> Commits:
        """What was committed since the start, for a monitor."""
        return self._commits.counts

    @property
    def queued(self) -> int:
        """Return how many entries wait for their transaction."""
        return self._commits.queued

    @property
    def can_write(self) -> bool:
        """Tell whether the last transaction found the database there."""
        return not self._commits.writing.is_away

    def failed_to_write(self, seconds: float) -> bool:
        """Tell whether a transaction has failed in the last `seconds`, and none has succeeded since."""
        return self._commits.writing.failed_within(seconds)

    @property
    def can_read(self) -> bool:
        """Tell whether the last read found the database there."""
        return not self._reader.reading.is_away

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
        rows = await self._reader.fetch(queries.receipt(topic, author_id, push_id))
        return Receipt(rows[0].seq, rows[0].at, fresh=False) if rows else None

    async def snapshot(self, topic: str) -> Snapshot | None:
        """Return the furthest snapshot of a topic's state, if there is one."""
        rows = await self._reader.fetch(queries.SNAPSHOT, {"topic": topic})
        return Snapshot(topic, rows[0].seq, rows[0].state) if rows else None

    async def heads(self, topics: Collection[str]) -> dict[str, int]:
        """Return the positions of the newest events of those of `topics` that have any."""
        return {row.name: row.seq for row in await self._reader.fetch(queries.HEADS, {"topics": list(topics)})}

    async def topics(self, limit: int) -> list[str]:
        """Return the names of at most `limit` topics that have events."""
        return [row.name for row in await self._reader.fetch(queries.TOPICS, {"limit": limit})]

    async def moved(self, since: int | None) -> Moves:
        """Return the topics that have moved since the `next` of an earlier answer; None: those since this call."""
        return await self._polls.moved(since)

    def file_version(self) -> Version | None:
        """Return the version of an SQLite file, without waiting (`FileVersion.read`); None: not known."""
        return self._polls.version()

    async def after(self, topic: str, seq: int, limit: int, events: Collection[str] = ()) -> list[Event]:
        """Read at most `limit` events past a position, oldest first; of the kinds in `events`, if any are named."""
        if not events:
            return await self._read(queries.AFTER, {"topic": topic, "seq": seq, "limit": limit})
        return await self._read(by_kind.after(len(events)), by_kind.values(topic, seq, limit, events))

    async def before(self, topic: str, seq: int | None, limit: int, events: Collection[str] = ()) -> list[Event]:
        """Read the newest `limit` events below a position (None: below the end), oldest first."""
        end = by_kind.END if seq is None else seq
        if not events:
            return (await self._read(queries.BEFORE, {"topic": topic, "seq": end, "limit": limit}))[::-1]
        return (await self._read(by_kind.before(len(events)), by_kind.values(topic, end, limit, events)))[::-1]

    async def count(
        self, topic: str, after: int, before: int | None, limit: int, *, event: str | None, not_by: int
    ) -> int:
        """Return how many events, `limit` at most, are between two positions (None: the end) and not by this author.

        Of one kind, if `event` names it. Only the newest `10 * limit` between the positions are looked at.
        """
        query = queries.number_between(topic, after, before, event, not_by, limit)
        return int((await self._reader.fetch(query))[0][0])

    async def activity(self, topic: str, event: str, since: int, width: int) -> list[Activity]:
        """Return how many events of a kind each author has stored in each `width` ms since a time (ms), in order.

        Costs by the events of that kind in the topic, by an index: the times of the older ones are looked at, too.
        """
        rows = await self._reader.fetch(queries.activity(topic, event, since, width))
        return [Activity(*row) for row in rows]

    async def census(self, event: str, since: int, until: int, width: int) -> list[Census]:
        """Return how many events of a kind all topics have between two times (ms), in parts of `width` ms, in order."""
        return [Census(*row) for row in await self._reader.fetch(parts_query(event, since, until, width))]

    async def by_topic(self, event: str, since: int, until: int) -> dict[str, int]:
        """Return how many events of a kind each topic has between two times (ms)."""
        return dict(map(tuple, await self._reader.fetch(topics_query(event, since, until))))

    async def at(self, topic: str, seq: int) -> Event | None:
        """Read the event at a position; None where there is none."""
        events = await self._read(queries.event_at(topic, seq))
        return events[0] if events else None

    async def about(self, topic: str, target: int, events: Collection[str], limit: int) -> list[Event]:
        """Read the newest `limit` events of these kinds that are about the one at a position, oldest first."""
        about = queries.about(topic, target, events)
        return (await self._read(queries.newest(about, limit)))[::-1]

    async def count_about(self, topic: str, target: int, limit: int) -> int:
        """Return how many events, `limit` at most, are about the one at a position."""
        query = queries.about(topic, target).with_only_columns(events_table.c.seq)
        return int((await self._reader.fetch(queries.number_of(query, limit)))[0][0])

    async def version(self, topic: str, seq: int, amended_by: int) -> bytes | None:
        """Return the payload that an event had before it was amended, without position and time."""
        rows = await self._reader.fetch(queries.version(topic, seq, amended_by))
        return rows[0].payload.encode() if rows else None

    async def tally(self, topic: str, target: int) -> dict[int, int]:
        """Return how often each value was chosen about the event at a position; forgotten choices do not count."""
        return dict(map(tuple, await self._reader.fetch(queries.tally(topic, target))))

    async def choices(self, topic: str, target: int) -> dict[int, int | None]:
        """Return what users have chosen about the event at a position, by their ids; None where it was forgotten."""
        rows = await self._reader.fetch(queries.choices_about(topic, target))
        return {row.user_id: row.value for row in rows}

    async def choices_of(self, topic: str, user_id: int, targets: Collection[int]) -> dict[int, int]:
        """Return what a user has chosen about the events at these positions, by the positions."""
        rows = await self._reader.fetch(queries.choices_of(topic, user_id, targets))
        return {row.target: row.value for row in rows}

    async def has_chosen(self, topic: str, target: int, user_id: int, push_id: str) -> bool:
        """Tell whether a user's choice about the event at a position was made by this push."""
        rows = await self._reader.fetch(queries.choice_of(topic, target, user_id))
        return any(push_id in row.push_ids.split() for row in rows)

    async def versions(self, topic: str, seq: int, event: str, limit: int) -> list[tuple[Event, bytes]]:
        """Read the newest `limit` events of a kind that amended the one at a position, with what it was before each."""
        rows = await self._reader.fetch(queries.versions(topic, seq, event, limit))
        return [
            (Event(row.seq, row.event, stamped(row.payload.encode(), row.seq, row.at)), row.former.encode())
            for row in rows[::-1]
        ]

    def index(self, texts: Mapping[str, TextOf], amending: Collection[str]) -> None:
        """Index these kinds of event by what they say; `amending` are the kinds that change the one they are about."""
        self._index = SearchIndex(self._engine, texts, amending)

    async def unindexed(self) -> list[str]:
        """Return the topics with events that the index has not reached."""
        return [row.name for row in await self._reader.fetch(queries.unindexed())]

    async def follow(self, topics: Sequence[str]) -> Collection[str]:
        """Index the next events of these topics; return those that may have more."""
        return await self._reader.in_time(self._index.follow(topics))

    async def find(self, text: str, topics: Collection[str], before: Place | None, limit: int) -> list[Hit]:
        """Return the newest `limit` events of these topics that say all words of a text, older than a place."""

        async def find() -> list[Hit]:
            async with self._searching:
                return await self._index.find(text, topics, before, limit)

        return await self._reader.in_time(find())

    async def marks(self, topic: str) -> dict[int, int]:
        """Return how far users have read a topic, by their ids; of those who never have, nothing."""
        return {row.user_id: row.seq for row in await self._reader.fetch(queries.MARKS, {"topic": topic})}

    async def readers(self, topic: str, seq: int, quiet: int = 0) -> list[int]:
        """Return the ids of the users who have read a topic up to a position or further.

        What was read in quiet hours that began at `quiet` (ms), and have not ended yet, does not count.
        """
        return [row.user_id for row in await self._reader.fetch(queries.readers(topic, seq, quiet))]

    async def marked(self, positions: Mapping[str, int], quiet: int = 0) -> tuple[set[int], set[int]]:
        """Return who has read one of these topics up to its position, and who has had it delivered up to there.

        `quiet` is as for `readers`; what was read has been delivered.
        """
        rows = await self._reader.fetch(queries.marked(positions, quiet))
        return {row.user_id for row in rows if row.has_read}, {row.user_id for row in rows}

    async def authors(self, topic: str, event: str) -> set[int]:
        """Return the ids of those who have stored an event of one kind in a topic."""
        return {row.author_id for row in await self._reader.fetch(queries.authors(topic, event))}

    async def topics_with(self, topics: Collection[str], author_id: int, push_id: str) -> set[str]:
        """Return those of `topics` in which this author has stored a push of this id."""
        rows = await self._reader.fetch(queries.topics_with(topics, author_id, push_id))
        return {row.name for row in rows}

    async def timed(self, topic: str) -> list[Event]:
        """Read the events of a topic whose timers still run, oldest first."""
        return await self._read(queries.timed(topic))

    async def due(self, now: int, limit: int) -> list[DueTimer]:
        """Return the timers whose time (ms) has come, the earliest first, `limit` at most."""
        return await self._polls.due(now, limit)

    async def spells(self, topic: str, periods: Collection[int], user_id: int | None = None) -> list[KeptSpell]:
        """Return who was in a topic in the periods that began at these positions, in order; or one user's."""
        rows = await self._reader.fetch(queries.spells(topic, periods, user_id))
        return [KeptSpell(*row) for row in rows]

    async def unended(
        self, begins: str, ends: str, prefix: str, topics: Collection[str] | None = None
    ) -> list[Unended]:
        """Return the topics whose newest event of kind `begins` came after that of kind `ends`.

        `prefix` is what their names begin with; where `topics` are given, only those are looked at. Costs two look-ups
        in an index for each such topic.
        """
        rows = await self._reader.fetch(queries.unended(begins, ends, prefix, topics))
        return [Unended(*row) for row in rows]

    async def _read(self, query: queries.Query, values: Parameters = None) -> list[Event]:
        rows = await self._reader.fetch(query, values)
        return [Event(row.seq, row.event, stamped(row.payload.encode(), row.seq, row.at)) for row in rows]
