"""The journal's writer for SQLite: one connection, in one thread, by the standard library's `sqlite3`.

Measured per event at 1 / 10 / 100 to a transaction: `sqlite3` in a thread 100 / 13 / 3 µs of CPU, SQLAlchemy over
aiosqlite 820 / 92 / 13 µs. One writer at a time is what SQLite allows anyway; readers go on meanwhile (WAL), and
`synchronous=FULL` means that what was committed survives a power cut.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

from channels.errors import JournalUnavailable, Refused
from channels.journal import choices
from channels.journal.choices import KeptChoice
from channels.journal.entry import (
    Choice,
    Counter,
    Entry,
    Group,
    Mark,
    Receipt,
    Snapshot,
    Spells,
    Stored,
    Superseded,
    Tally,
)
from channels.journal.log_room import STEP_BYTES, LogRoom
from channels.journal.same_file import Check, Identity, check_same, identity, trust, wal_of
from channels.journal.write_lock import WriteLock
from channels.journal.writer_thread import WriterThread
from channels.wire.codec import Event

# How long a commit waits for the write lock of the workers (longer than each of them takes for a batch; a worker that
# stands still keeps it), and for SQLite's lock, which another process such as a backup may hold. Together under the 5 s
# in which a push must fail when the journal is away.
LOCK_SECONDS = 3.0
BUSY_SECONDS = 1.5

# How long closing waits for a commit that hangs in its thread, on a disk that does not answer.
CLOSE_SECONDS = 1.0

# What a writer keeps of the file in memory. Each class has pages of its own in the table and its indexes: 250 that all
# talk write 750 pages again and again, which SQLite's 2 MB do not hold. Measured at 2,500 events a second, with a
# checkpoint every 4,000 pages: 51 µs of the thread's CPU each without, 40 so.
CACHE_KIB = 16_000

# How many pages the write-ahead log has when they are copied into the file (a checkpoint), while the next commits wait.
# Of each page only the newest is copied. Measured with 1,000 events a second to 250 classes: with 4,000 pages 4 to 12
# ms every 0.7 s, and an event in 100 waits for 11 ms; with 16,000 pages 5 to 15 ms every 2.7 s, and it waits for 8. If
# no two of the 16,000 are the same page, they take 0.1 s on an SSD.
CHECKPOINT_PAGES = 16_000

# The log gets room for so many pages, each with its header, and for what most transactions write beyond them.
LOG_PAGE_BYTES = 4_096 + 24
MAX_ROOM_BYTES = CHECKPOINT_PAGES * LOG_PAGE_BYTES + 2 * STEP_BYTES

# While somebody reads for long (a backup), the log grows; afterwards SQLite cuts it back to this. More than its usual
# size, which would otherwise be cut and extended again in each round.
MAX_IDLE_WAL_BYTES = 80_000_000

# For each connection that writes in its turn.
TURN_PRAGMAS = (
    # What is amended, deleted or replaced is overwritten with zeros, in the file as in the log that is copied into it;
    # measured at 2,500 events a second, it costs nothing.
    "PRAGMA secure_delete=ON",
    f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit={MAX_IDLE_WAL_BYTES}",
)

_COUNTER = "SELECT id, seq, governed FROM topics WHERE name = ?"
_CREATE = "INSERT INTO topics (name, seq, governed) VALUES (?, 0, 0) RETURNING id, seq, governed"
_STAMP = "SELECT coalesce(max(moved), 0) + 1 FROM topics"
# The sign keeps SQLite from reading all that the author has ever done in the topic, by the index of pushes.
_OWN = "SELECT coalesce(max(seq), 0) FROM events WHERE topic_id = ? AND seq > ? AND +author_id = ?"
_KNOWN_PUSH = "SELECT seq, at FROM events WHERE topic_id = ? AND author_id = ? AND push_id = ?"
_INSERT = """
    INSERT INTO events (topic_id, seq, event, author_id, push_id, at, payload, about) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (topic_id, author_id, push_id) DO NOTHING
"""
_VERSION = """
    INSERT INTO versions (topic_id, seq, amended_by, payload)
    SELECT topic_id, seq, ?, payload FROM events WHERE topic_id = ? AND seq = ?
"""
_TARGET = "SELECT seq, event, payload FROM events WHERE topic_id = ? AND seq = ?"
_ABOUT = "SELECT seq, event, payload FROM events WHERE topic_id = ? AND about = ? AND seq < ?"
_AUDIT = "INSERT INTO audited (topic_id, seq) VALUES (?, ?)"
_UNINDEX = "DELETE FROM search WHERE topic_id = ? AND seq = ?"
_AMEND = "UPDATE events SET payload = ? WHERE topic_id = ? AND seq = ?"
_CHOICE = "SELECT value, at, push_ids FROM choices WHERE topic_id = ? AND target = ? AND user_id = ?"
_CHOOSE = "INSERT OR REPLACE INTO choices (topic_id, target, user_id, value, at, push_ids) VALUES (?, ?, ?, ?, ?, ?)"
_TALLY = "SELECT value, count(*) FROM choices WHERE topic_id = ? AND target = ? AND value IS NOT NULL GROUP BY value"
_FORGET = "UPDATE choices SET value = NULL WHERE topic_id = ? AND target = ?"
_TIMER = "INSERT INTO timers (topic_id, seq, at, action) VALUES (?, ?, ?, ?)"
_STOP = "DELETE FROM timers WHERE topic_id = ? AND seq = ?"
_MARK = """
    INSERT INTO reads (topic_id, user_id, seq, at, delivered, quiet)
    SELECT id, ?, min(?, seq), ?, min(?, seq), ? FROM topics WHERE name = ?
    ON CONFLICT (topic_id, user_id) DO UPDATE SET seq = max(excluded.seq, reads.seq),
        at = CASE WHEN excluded.seq > reads.seq THEN excluded.at ELSE reads.at END,
        held = CASE WHEN excluded.seq > reads.seq AND excluded.quiet != reads.quiet THEN reads.seq ELSE reads.held END,
        quiet = CASE WHEN excluded.seq > reads.seq THEN excluded.quiet ELSE reads.quiet END,
        delivered = max(excluded.delivered, reads.delivered)
    WHERE excluded.seq > reads.seq OR excluded.delivered > reads.delivered
"""
_SNAPSHOT = """
    INSERT INTO snapshots (topic_id, seq, state) SELECT id, ?, ? FROM topics WHERE name = ? AND seq >= ?
    ON CONFLICT (topic_id) DO UPDATE SET seq = excluded.seq, state = excluded.state WHERE excluded.seq >= snapshots.seq
"""

_SPELL = """
    INSERT INTO spells (worker, number, topic_id, period, user_id, role, began, ended)
    SELECT ?, ?, id, ?, ?, ?, ?, ? FROM topics WHERE name = ?
    ON CONFLICT (worker, number) DO UPDATE SET ended = excluded.ended
"""
_SEEN = "INSERT INTO spell_workers (worker, seen) VALUES (?, ?) ON CONFLICT (worker) DO UPDATE SET seen = excluded.seen"

# SQLite takes no such value; the database is well.
_REFUSALS = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


class SqliteWriter:
    """Appends batches to the SQLite file at `path`, whose schema must stand.

    `check` raises OSError where that file is not the one that it was: then nothing is written or acknowledged.
    """

    def __init__(
        self,
        path: str,
        *,
        check: Check = trust,
        lock_seconds: float = LOCK_SECONDS,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self._path = path
        self._check = check
        self._wal: Identity | None = None  # which write-ahead file the connection has open, from its first commit on
        self._lock_seconds = lock_seconds
        self._busy_seconds = busy_seconds
        self._thread = WriterThread("journal")
        self._connection: sqlite3.Connection | None = None
        self._lock: WriteLock | None = None
        self._log_room = LogRoom(wal_of(path), MAX_ROOM_BYTES)
        self._is_log_outgrown = False

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        """Store a batch, as `channels.journal.entry.Writer` says."""
        stored = await self._thread.run(partial(self._commit, groups, marks, snapshots, spells))
        if self._is_log_outgrown:
            self._thread.run(self._make_room)  # while the event loop delivers the batch
        return stored

    async def close(self) -> None:
        """Close the connection and end the thread, which is left alone where it hangs in a commit."""
        await asyncio.wait([self._thread.run(self._close)], timeout=CLOSE_SECONDS)
        self._thread.end()

    def _close(self) -> None:
        self._disconnect()
        if self._lock is not None:
            self._lock.close()

    def _commit(
        self, groups: Sequence[Group], marks: Sequence[Mark], snapshots: Sequence[Snapshot], spells: Spells | None
    ) -> list[Stored]:
        try:
            self._check_files()
            lock = self._lock = self._lock or WriteLock(f"{self._path}-turn")
            lock.acquire(self._lock_seconds)
        except OSError as error:  # TimeoutError is one
            raise JournalUnavailable(str(error)) from error
        try:
            return self._write(groups, marks, snapshots, spells)
        finally:
            lock.release()

    def _write(
        self, groups: Sequence[Group], marks: Sequence[Mark], snapshots: Sequence[Snapshot], spells: Spells | None
    ) -> list[Stored]:
        committed = False
        try:
            connection = self._connection or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            stored = _append(connection, groups)
            if marks:
                connection.executemany(_MARK, map(_mark_row, marks))
            if snapshots:
                connection.executemany(_SNAPSHOT, [(each.seq, each.state, each.topic, each.seq) for each in snapshots])
            if spells is not None:
                _keep_spells(connection, spells)
            connection.execute("COMMIT")
            committed = True
            # Also afterwards: what has gone into a deleted file must not be acknowledged.
            self._check_files()
            self._wal = self._wal or identity(wal_of(self._path))
            self._is_log_outgrown = self._log_room.is_outgrown()
            return stored
        except _REFUSALS:
            raise
        except (sqlite3.Error, OSError) as error:
            raise JournalUnavailable(str(error)) from error
        finally:
            if not committed:
                # A new connection for the next batch: whatever state this one is in, its transaction goes with it.
                self._disconnect()

    def _make_room(self) -> None:
        connection, lock = self._connection, self._lock
        if connection is None or lock is None:
            return  # the next commit opens the files again
        # Where it fails, commits only take a little longer; what is wrong with the disk, they find out themselves. It
        # waits for nobody: a commit that waits behind it must fail in time.
        with suppress(OSError, sqlite3.Error):
            lock.acquire(0)
            try:
                self._check_files()
                connection.execute("PRAGMA busy_timeout=0")
                self._log_room.make(connection)
            finally:
                lock.release()
                connection.execute(f"PRAGMA busy_timeout={round(self._busy_seconds * 1_000)}")

    def _check_files(self) -> None:
        self._check()
        if self._wal is not None:
            # While a connection is open, nobody but SQLite may remove its write-ahead file, and SQLite does not.
            check_same(wal_of(self._path), self._wal)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        for pragma in TURN_PRAGMAS:
            connection.execute(pragma)
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = self._wal = None


def _mark_row(mark: Mark) -> tuple[int, int, int, int, int, str]:
    return mark.user_id, mark.seq, mark.at, mark.delivered, mark.quiet, mark.topic


def _keep_spells(connection: sqlite3.Connection, spells: Spells) -> None:
    worker = spells.worker
    rows = [
        (worker, each.number, each.period, each.user_id, each.role, each.began, each.ended, each.topic)
        for each in spells.changed
    ]
    connection.executemany(_SPELL, rows)
    connection.execute(_SEEN, (worker, spells.at))


def _append(connection: sqlite3.Connection, groups: Sequence[Group]) -> list[Stored]:
    counters: dict[str, Counter] = {}
    stored = [_append_group(connection, counters, group) for group in groups]
    ((stamp,),) = connection.execute(_STAMP)
    advanced = [(counter.seq, counter.governed, stamp, counter.id) for counter in counters.values()]
    connection.executemany("UPDATE topics SET seq = ?, governed = ?, moved = ? WHERE id = ?", advanced)
    return stored


def _append_group(connection: sqlite3.Connection, counters: dict[str, Counter], group: Group) -> Stored:
    first, checked = group.entries[0], group.checked
    counter = counters.get(first.topic) or _counter(connection, counters, first.topic)
    if checked is not None:
        # Most rules are those of the topic itself.
        ruling = counter if checked.topic == first.topic else _counter(connection, counters, checked.topic)
        own = 0 if checked.own is None else _own(connection, ruling, checked.own, first.author_id)
        if own or ruling.governed > checked.governed:
            known = _find(connection, counter, first)
            return [known] if known is not None else Superseded(ruling.governed, own)
    receipt = _insert(connection, counter, first) if first.choice is None else _choose(connection, counter, first)
    if isinstance(receipt, Refused):
        return receipt
    if receipt is None:
        known = _find(connection, counter, first)
        assert known is not None
        return [known]
    return (
        [receipt] if len(group.entries) == 1 else [receipt, *_append_others(connection, counters, group, receipt.seq)]
    )


def _append_others(
    connection: sqlite3.Connection, counters: dict[str, Counter], group: Group, first: int
) -> Iterator[Receipt]:
    for entry in group.entries[1:]:
        receipt = _insert(connection, _counter(connection, counters, entry.topic), entry, first)
        assert receipt is not None
        yield receipt


def _counter(connection: sqlite3.Connection, counters: dict[str, Counter], topic: str) -> Counter:
    counter = counters.get(topic)
    if counter is None:
        row = connection.execute(_COUNTER, (topic,)).fetchone() or connection.execute(_CREATE, (topic,)).fetchone()
        counter = counters[topic] = Counter(*row)
    return counter


def _own(connection: sqlite3.Connection, counter: Counter, after: int, author_id: int) -> int:
    # The position of the author's newest event after this one, 0 where there is none.
    (row,) = connection.execute(_OWN, (counter.id, after, author_id))
    newest: int = row[0]
    return newest


def _insert(connection: sqlite3.Connection, counter: Counter, entry: Entry, first: int = 0) -> Receipt | None:
    # None: the push is known.
    if entry.tally is not None:
        entry.payload = entry.tally.complete(_tally(connection, counter.id, entry.tally))
    payload, about = entry.body(first).decode(), entry.kept_about
    row = (counter.id, counter.seq + 1, entry.event, entry.author_id, entry.push_id, entry.at, payload, about)
    if not connection.execute(_INSERT, row).rowcount:
        return None
    receipt = counter.take(entry)
    if entry.audited:
        connection.execute(_AUDIT, (counter.id, receipt.seq))
    if entry.amend is not None:
        _amend(connection, counter.id, receipt.seq, entry)
    if entry.tally is not None and entry.tally.forget:
        connection.execute(_FORGET, (counter.id, entry.tally.target))
    if entry.timer is not None:
        connection.execute(_TIMER, (counter.id, receipt.seq, entry.timer.at, entry.timer.action))
    if entry.stops is not None:
        connection.execute(_STOP, (counter.id, entry.stops))
    return receipt


def _choose(connection: sqlite3.Connection, counter: Counter, entry: Entry) -> Receipt | Refused | None:
    # None: the push is known.
    choice = entry.choice
    assert choice is not None
    kept = _kept(connection, counter, choice, entry)
    if choices.known(kept, choice, entry) is not None:
        return None
    taken = choices.taken(kept, choice, entry)
    if isinstance(taken, Refused):
        return taken
    row = (counter.id, choice.target, entry.author_id, taken.value, taken.at, taken.joined_ids)
    connection.execute(_CHOOSE, row)
    return Receipt(choice.target, entry.at)


def _kept(connection: sqlite3.Connection, counter: Counter, choice: Choice, entry: Entry) -> KeptChoice | None:
    row = connection.execute(_CHOICE, (counter.id, choice.target, entry.author_id)).fetchone()
    return KeptChoice.read(*row) if row is not None else None


def _tally(connection: sqlite3.Connection, topic_id: int, tally: Tally) -> dict[int, int]:
    return dict(connection.execute(_TALLY, (topic_id, tally.target)).fetchall())


def _amend(connection: sqlite3.Connection, topic_id: int, seq: int, entry: Entry) -> None:
    rows = connection.execute(_TARGET, (topic_id, entry.about)).fetchall()
    if not entry.annotates:
        connection.execute(_VERSION, (seq, topic_id, entry.about))
        rows += connection.execute(_ABOUT, (topic_id, entry.about, seq)).fetchall()
    earlier = [Event(row[0], row[1], row[2].encode()) for row in rows]
    amended = [(payload.decode(), topic_id, position) for position, payload in entry.amended(seq, earlier)]
    connection.executemany(_AMEND, amended)
    if not entry.annotates:
        connection.execute(_UNINDEX, (topic_id, entry.about))


def _find(connection: sqlite3.Connection, counter: Counter, entry: Entry) -> Receipt | None:
    if entry.choice is not None:
        return choices.known(_kept(connection, counter, entry.choice, entry), entry.choice, entry)
    row = connection.execute(_KNOWN_PUSH, (counter.id, entry.author_id, entry.push_id)).fetchone()
    return Receipt(row[0], row[1], fresh=False) if row is not None else None
