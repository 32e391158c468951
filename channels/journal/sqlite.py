"""The journal's writer for SQLite: one connection, in one thread, by the standard library's `sqlite3`.

Measured per event at 1 / 10 / 100 to a transaction: `sqlite3` in a thread 100 / 13 / 3 µs of CPU, SQLAlchemy over
aiosqlite 820 / 92 / 13 µs. One writer at a time is what SQLite allows anyway; readers go on meanwhile (WAL), and
`synchronous=FULL` means that what was committed survives a power cut.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from channels.errors import JournalUnavailable
from channels.journal.journal import Entry, Mark, Receipt
from channels.journal.write_lock import Turn

# How long a commit waits for its turn among several workers (longer than each of them takes for a batch; one that
# stands still has it), and for the write lock of another process, such as a backup. Together under the 5 s in which a
# push must fail when the journal is away.
TURN_SECONDS = 3.0
BUSY_SECONDS = 1.5

# What a writer keeps of the file in memory, and how many pages of the write-ahead log are copied into the file at a
# time. Each class has pages of its own in the table and its indexes: 250 that all talk write 750 pages again and again,
# which SQLite's 2 MB and 1,000 pages do not hold. Measured at 2,500 events a second: 51 µs of the thread's CPU each
# without, 40 so. The log takes 16 MB of disk then.
CACHE_KIB = 16_000
CHECKPOINT_PAGES = 4_000

_KNOWN_PUSH = "SELECT seq, at FROM events WHERE topic_id = ? AND author_id = ? AND push_id = ?"
_INSERT = """
    INSERT INTO events (topic_id, seq, event, author_id, push_id, at, payload) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (topic_id, author_id, push_id) DO NOTHING
"""
_MARK = """
    INSERT INTO reads (topic_id, user_id, seq, at)
    SELECT id, ?, min(?, seq), ? FROM topics WHERE name = ?
    ON CONFLICT (topic_id, user_id) DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > reads.seq
"""


class SqliteWriter:
    """Appends batches to the SQLite file at `path`, whose schema must stand."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "journal")
        self._connection: sqlite3.Connection | None = None
        self._turn: Turn | None = None

    async def commit(self, batch: Sequence[Entry], marks: Sequence[Mark]) -> list[Receipt]:
        """Append all or none, as `channels.journal.journal.Writer` says."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, batch, marks)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()
        if self._turn is not None:
            self._turn.close()

    def _commit(self, batch: Sequence[Entry], marks: Sequence[Mark]) -> list[Receipt]:
        try:
            turn = self._turn = self._turn or Turn(f"{self._path}-turn")
            turn.take(TURN_SECONDS)
        except OSError as error:  # of which TimeoutError is one
            raise JournalUnavailable(str(error)) from error
        try:
            return self._write(batch, marks)
        finally:
            turn.give()

    def _write(self, batch: Sequence[Entry], marks: Sequence[Mark]) -> list[Receipt]:
        committed = False
        try:
            connection = self._connection or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            receipts = _append(connection, batch)
            connection.executemany(_MARK, [(mark.user_id, mark.seq, mark.at, mark.topic) for mark in marks])
            connection.execute("COMMIT")
            committed = True
            return receipts
        except sqlite3.Error as error:
            raise JournalUnavailable(str(error)) from error
        finally:
            if not committed:
                # A new connection for the next batch: whatever state this one is in, its transaction goes with it.
                self._disconnect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _append(connection: sqlite3.Connection, batch: Sequence[Entry]) -> list[Receipt]:
    counters: dict[str, list[int]] = {}  # topic -> [its id, its seq]
    receipts = []
    for entry in batch:
        counter = counters.get(entry.topic)
        if counter is None:
            counter = counters[entry.topic] = _counter(connection, entry.topic)
        receipts.append(_insert_or_find(connection, counter, entry))
    connection.executemany("UPDATE topics SET seq = ? WHERE id = ?", [(seq, id_) for id_, seq in counters.values()])
    return receipts


def _counter(connection: sqlite3.Connection, topic: str) -> list[int]:
    row = connection.execute("SELECT id, seq FROM topics WHERE name = ?", (topic,)).fetchone()
    if row is None:
        row = connection.execute("INSERT INTO topics (name, seq) VALUES (?, 0) RETURNING id, seq", (topic,)).fetchone()
    return list(row)


def _insert_or_find(connection: sqlite3.Connection, counter: list[int], entry: Entry) -> Receipt:
    topic_id, seq = counter[0], counter[1] + 1
    row = (topic_id, seq, entry.event, entry.author_id, entry.push_id, entry.at, entry.payload.decode())
    if connection.execute(_INSERT, row).rowcount:
        counter[1] = seq
        return Receipt(seq, entry.at)
    known_seq, known_at = connection.execute(_KNOWN_PUSH, (topic_id, entry.author_id, entry.push_id)).fetchone()
    return Receipt(known_seq, known_at, fresh=False)
