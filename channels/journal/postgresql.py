"""The journal's writer for PostgreSQL: one connection of its own, by asyncpg.

Most batches take one or two statements and hold no lock over a round trip (`channels.journal.postgresql_swap`). The
others, and those that lose against other writers, take a transaction of some eight, which this module has.

The counters of the batch's topics are locked first, in name order, so that two workers never deadlock; no other worker
appends to a topic between its lock and the commit. So the look-up of known push ids and the comparison of governed
positions are exact, and `seq` order is commit order. (FOR NO KEY UPDATE, because a read mark's foreign key reads
counters that its batch has not locked, in no order.) The default isolation (READ COMMITTED) is needed: each statement
must see what was committed while the locks were awaited.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence

import asyncpg

from channels.errors import JournalUnavailable
from channels.journal.assignment import Choices, Fresh, Known, Own, assign, choice_key
from channels.journal.choices import KeptChoice
from channels.journal.entry import Counter, Entry, Group, Mark, Receipt, Snapshot, Spells, Stored
from channels.journal.postgresql_connection import BROKEN, NOTICE_GONE
from channels.journal.postgresql_swap import CREATE, NEWEST_OWN, STORED_PUSH, Swaps, row_of, topics_of
from channels.wire.codec import Event

# A batch that takes longer counts as unavailable: pushes must fail within 5 s when the database is away.
COMMIT_SECONDS = 4.0

# A transaction that waits for its worker holds its topics' counters. PostgreSQL notices only after hours that a worker
# hangs or its machine is cut off. A batch's statements follow each other within milliseconds; over a line that loses
# the same packet three times they do within 1.4 s.
MAX_IDLE_MS = 2_000

# Who waits longer for a lock starts again. Where a machine is cut off, its other workers wait in PostgreSQL behind the
# one that holds the lock: each would get it in turn and hold it for MAX_IDLE_MS. So they give up before the first does.
# It is longer than PostgreSQL's deadlock_timeout of 1 s, so that a deadlock is found as one.
MAX_LOCK_MS = 1_500

_BEGIN = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL lock_timeout = {}"
_LOCK = "SELECT name, id, seq, governed FROM topics WHERE name = ANY($1::text[]) ORDER BY name FOR NO KEY UPDATE"
_KNOWN = f"""
    SELECT found.* FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS sent (topic_id, author_id, push_id)
    CROSS JOIN LATERAL ({STORED_PUSH}) AS found
    WHERE (found.topic_id, found.author_id, found.push_id) = (sent.topic_id, sent.author_id, sent.push_id)
"""  # noqa: S608 (of our own constants)
_OWN = f"""
    SELECT known.topic_id, known.author_id, newest.seq
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS known (topic_id, author_id, seq)
    CROSS JOIN LATERAL ({NEWEST_OWN}) AS newest WHERE newest.seq IS NOT NULL
"""  # noqa: S608 (of our own constants)
_INSERT = """
    INSERT INTO events (topic_id, seq, event, author_id, push_id, at, payload, about)
    SELECT * FROM unnest(
        $1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::bigint[]
    )
"""
_ADVANCE = """
    UPDATE topics SET seq = new.seq, governed = new.governed, moved = pg_current_xact_id()::text::bigint
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS new (id, seq, governed) WHERE topics.id = new.id
"""
_VERSION = """
    INSERT INTO versions (topic_id, seq, amended_by, payload)
    SELECT topic_id, seq, $1, payload FROM events WHERE topic_id = $2 AND seq = $3
"""
_TARGET = "SELECT seq, event, payload FROM events WHERE topic_id = $1 AND seq = $2"
_ABOUT = "SELECT seq, event, payload FROM events WHERE topic_id = $1 AND about = $2 AND seq < $3"
_AUDIT = "INSERT INTO audited (topic_id, seq) VALUES ($1, $2)"
_UNINDEX = "DELETE FROM search WHERE topic_id = $1 AND seq = $2"
_AMEND = "UPDATE events SET payload = $1 WHERE topic_id = $2 AND seq = $3"
_CHOICES = """
    SELECT topic_id, target, user_id, value, at, push_ids FROM choices WHERE (topic_id, target, user_id) IN
    (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]))
"""
_CHOOSE = """
    INSERT INTO choices (topic_id, target, user_id, value, at, push_ids)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::bigint[], $6::text[])
    ON CONFLICT (topic_id, target, user_id)
    DO UPDATE SET value = excluded.value, at = excluded.at, push_ids = excluded.push_ids
"""
_TALLY = "SELECT value, count(*) FROM choices WHERE topic_id = $1 AND target = $2 AND value IS NOT NULL GROUP BY value"
_FORGET = "UPDATE choices SET value = NULL WHERE topic_id = $1 AND target = $2"
_TIMER = "INSERT INTO timers (topic_id, seq, at, action) VALUES ($1, $2, $3, $4)"
_STOP = "DELETE FROM timers WHERE topic_id = $1 AND seq = $2"
_MARK = """
    INSERT INTO reads (topic_id, user_id, seq, at, delivered, quiet)
    SELECT topics.id, mark.user_id, least(mark.seq, topics.seq), mark.at, least(mark.delivered, topics.seq), mark.quiet
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
    AS mark (topic, user_id, seq, at, delivered, quiet)
    JOIN topics ON topics.name = mark.topic ORDER BY topics.id, mark.user_id
    ON CONFLICT (topic_id, user_id) DO UPDATE SET seq = greatest(excluded.seq, reads.seq),
        at = CASE WHEN excluded.seq > reads.seq THEN excluded.at ELSE reads.at END,
        held = CASE WHEN excluded.seq > reads.seq AND excluded.quiet != reads.quiet THEN reads.seq ELSE reads.held END,
        quiet = CASE WHEN excluded.seq > reads.seq THEN excluded.quiet ELSE reads.quiet END,
        delivered = greatest(excluded.delivered, reads.delivered)
    WHERE excluded.seq > reads.seq OR excluded.delivered > reads.delivered
"""
_SNAPSHOT = """
    INSERT INTO snapshots (topic_id, seq, state)
    SELECT topics.id, new.seq, new.state FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS new (topic, seq, state)
    JOIN topics ON topics.name = new.topic AND topics.seq >= new.seq ORDER BY topics.id
    ON CONFLICT (topic_id) DO UPDATE SET seq = excluded.seq, state = excluded.state WHERE excluded.seq >= snapshots.seq
"""
_SPELLS = """
    INSERT INTO spells (worker, number, topic_id, period, user_id, role, began, ended)
    SELECT $1, new.number, topics.id, new.period, new.user_id, new.role, new.began, new.ended
    FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[])
    AS new (number, topic, period, user_id, role, began, ended) JOIN topics ON topics.name = new.topic
    ON CONFLICT (worker, number) DO UPDATE SET ended = excluded.ended
"""
_SEEN = """
    INSERT INTO spell_workers (worker, seen) VALUES ($1, $2) ON CONFLICT (worker) DO UPDATE SET seen = excluded.seen
"""


class PostgresqlWriter:
    """Appends batches to the PostgreSQL database at `url` (postgresql://…), whose schema must stand."""

    def __init__(
        self,
        url: str,
        *,
        commit_seconds: float = COMMIT_SECONDS,
        max_idle_ms: int = MAX_IDLE_MS,
        max_lock_ms: int = MAX_LOCK_MS,
    ) -> None:
        self._url = url
        self._commit_seconds = commit_seconds
        self._begin = _BEGIN.format(max_idle_ms, max_lock_ms)
        self._connection: asyncpg.Connection | None = None
        self._swaps = Swaps()

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        """Store a batch, as `channels.journal.entry.Writer` says."""
        try:
            async with asyncio.timeout(self._commit_seconds):
                return await self._transact_until_done(groups, marks, snapshots, spells)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, BROKEN) as error:
            await self.close()
            if _is_refusal(error):
                raise
            raise JournalUnavailable(str(error) or type(error).__name__) from error
        except BaseException:
            await self.close()
            raise

    async def _transact_until_done(
        self, groups: Sequence[Group], marks: Sequence[Mark], snapshots: Sequence[Snapshot], spells: Spells | None
    ) -> list[Stored]:
        while True:
            try:
                return await self._transact(groups, marks, snapshots, spells)
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
                # PostgreSQL rolled back everything because of another transaction; try again, within its time.
                await self.close()

    async def _transact(
        self, groups: Sequence[Group], marks: Sequence[Mark], snapshots: Sequence[Snapshot], spells: Spells | None
    ) -> list[Stored]:
        # Not asyncpg's transaction block: its ROLLBACK, after the time is up, would wait for the database without end.
        # Dropping the connection rolls back as well.
        connection = self._connection or await self._connect()
        others = ((_MARK, _mark_rows(marks)), (_SNAPSHOT, _snapshot_rows(snapshots)))
        stored = await self._swaps.commit(connection, groups, others) if spells is None else None
        if stored is not None:
            return stored
        self._swaps.forget(topics_of(groups))
        await connection.execute(self._begin)
        stored = await _append(connection, groups)
        await _mark(connection, marks)
        await _keep(connection, snapshots)
        await _keep_spells(connection, spells)
        await connection.execute("COMMIT")
        return stored

    async def close(self) -> None:
        """Drop the connection, with whatever transaction is open on it."""
        self._swaps.forget_all()
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def _connect(self) -> asyncpg.Connection:
        self._connection = await asyncpg.connect(self._url)
        await self._connection.execute(NOTICE_GONE)
        return self._connection


def _is_refusal(error: Exception) -> bool:
    # PostgreSQL, or asyncpg before it, takes no such value; the database is well. By class of SQLSTATE: data exception,
    # integrity constraint violation, program limit exceeded.
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in ("22", "23", "54")
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


async def _append(connection: asyncpg.Connection, groups: Sequence[Group]) -> list[Stored]:
    if not groups:
        return []
    names = sorted(topics_of(groups))
    await connection.execute(CREATE, names)
    counters = {name: Counter(*numbers) for name, *numbers in await connection.fetch(_LOCK, names)}
    known = await _known(connection, counters, groups)
    own = await _own(connection, counters, groups)
    kept = await _kept(connection, counters, groups)
    assigned = assign(counters, known, own, kept, groups)
    await _choose(connection, assigned.chosen)
    await _tally(connection, assigned.fresh)
    if assigned.fresh:
        await connection.execute(_INSERT, *_columns(map(row_of, assigned.fresh)))
        await _amend(connection, assigned.fresh)
        await _audit(connection, assigned.fresh)
        await _forget(connection, assigned.fresh)
        await _set_timers(connection, assigned.fresh)
    await connection.execute(_ADVANCE, *_columns([(c.id, c.seq, c.governed) for c in counters.values()]))
    return assigned.stored


async def _amend(connection: asyncpg.Connection, fresh: Sequence[Fresh]) -> None:
    for topic_id, seq, entry, _ in fresh:
        if entry.amend is not None:
            await _amend_one(connection, topic_id, seq, entry)


async def _audit(connection: asyncpg.Connection, fresh: Sequence[Fresh]) -> None:
    audited = [(topic_id, seq) for topic_id, seq, entry, _ in fresh if entry.audited]
    if audited:
        await connection.executemany(_AUDIT, audited)


async def _amend_one(connection: asyncpg.Connection, topic_id: int, seq: int, entry: Entry) -> None:
    rows = await connection.fetch(_TARGET, topic_id, entry.about)
    if not entry.annotates:
        await connection.execute(_VERSION, seq, topic_id, entry.about)
        rows += await connection.fetch(_ABOUT, topic_id, entry.about, seq)
    earlier = [Event(row["seq"], row["event"], row["payload"].encode()) for row in rows]
    # In the order in which the index of texts locks events.
    amended = [(payload.decode(), topic_id, position) for position, payload in sorted(entry.amended(seq, earlier))]
    await connection.executemany(_AMEND, amended)
    if not entry.annotates:
        await connection.execute(_UNINDEX, topic_id, entry.about)


async def _set_timers(connection: asyncpg.Connection, fresh: Sequence[Fresh]) -> None:
    for topic_id, seq, entry, _ in fresh:
        if entry.timer is not None:
            await connection.execute(_TIMER, topic_id, seq, entry.timer.at, entry.timer.action)
        if entry.stops is not None:
            await connection.execute(_STOP, topic_id, entry.stops)


# Choices


async def _kept(connection: asyncpg.Connection, counters: dict[str, Counter], groups: Sequence[Group]) -> Choices:
    first = [group.entries[0] for group in groups]
    keys = [choice_key(counters[entry.topic], entry) for entry in first if entry.choice is not None]
    rows = await connection.fetch(_CHOICES, *_columns(keys)) if keys else []
    return {(topic, target, user): KeptChoice.read(*kept) for topic, target, user, *kept in rows}


async def _choose(connection: asyncpg.Connection, chosen: Choices) -> None:
    if chosen:
        rows = ((*key, kept.value, kept.at, kept.joined_ids) for key, kept in chosen.items())
        await connection.execute(_CHOOSE, *_columns(rows))


async def _tally(connection: asyncpg.Connection, fresh: Sequence[Fresh]) -> None:
    for topic_id, _, entry, _ in fresh:
        if entry.tally is not None:
            counts = await connection.fetch(_TALLY, topic_id, entry.tally.target)
            entry.payload = entry.tally.complete(dict(map(tuple, counts)))


async def _forget(connection: asyncpg.Connection, fresh: Sequence[Fresh]) -> None:
    for topic_id, _, entry, _ in fresh:
        if entry.tally is not None and entry.tally.forget:
            await connection.execute(_FORGET, topic_id, entry.tally.target)


# Events


def _columns(rows: Iterable[tuple[object, ...]]) -> Iterator[list[object]]:
    return (list(column) for column in zip(*rows, strict=True))


async def _known(connection: asyncpg.Connection, counters: dict[str, Counter], groups: Sequence[Group]) -> Known:
    first = [group.entries[0] for group in groups if group.entries[0].choice is None]
    pushes = [(counters[entry.topic].id, entry.author_id, entry.push_id) for entry in first if entry.push_id]
    if not pushes:
        return {}
    rows = await connection.fetch(_KNOWN, *_columns(pushes))
    return {(topic, author, push): Receipt(seq, at, fresh=False) for topic, author, push, seq, at in rows}


async def _own(connection: asyncpg.Connection, counters: dict[str, Counter], groups: Sequence[Group]) -> Own | None:
    # The positions of authors' newest events, of those that are past what their pushes were checked against. None where
    # no push asks for it, as in most batches.
    asked = [(each.checked, each.entries[0].author_id) for each in groups if each.checked is not None]
    pushes = [(counters[checked.topic].id, author, checked.own) for checked, author in asked if checked.own is not None]
    if not pushes:
        return None
    return {(topic, author): seq for topic, author, seq in await connection.fetch(_OWN, *_columns(pushes))}


def _mark_rows(marks: Sequence[Mark]) -> list[tuple[object, ...]]:
    return [(each.topic, each.user_id, each.seq, each.at, each.delivered, each.quiet) for each in marks]


async def _mark(connection: asyncpg.Connection, marks: Sequence[Mark]) -> None:
    if marks:
        await connection.execute(_MARK, *_columns(_mark_rows(marks)))


def _snapshot_rows(snapshots: Sequence[Snapshot]) -> list[tuple[object, ...]]:
    return [(each.topic, each.seq, each.state) for each in snapshots]


async def _keep(connection: asyncpg.Connection, snapshots: Sequence[Snapshot]) -> None:
    if snapshots:
        await connection.execute(_SNAPSHOT, *_columns(_snapshot_rows(snapshots)))


async def _keep_spells(connection: asyncpg.Connection, spells: Spells | None) -> None:
    if spells is None:
        return
    rows = [
        (each.number, each.topic, each.period, each.user_id, each.role, each.began, each.ended)
        for each in spells.changed
    ]
    if rows:
        await connection.execute(_SPELLS, spells.worker, *_columns(rows))
    await connection.execute(_SEEN, spells.worker, spells.at)
