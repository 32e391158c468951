"""Follows a SQLite journal into its index of texts, in one thread, by the standard library's `sqlite3`.

On SQLite a transaction keeps the writers of events waiting, so all that can be done before it is, and it waits for the
writers' lock in the order of asking.
"""

import asyncio
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from channels.errors import JournalUnavailable
from channels.journal.search_moves import Move, next_moves
from channels.journal.search_texts import SearchTexts
from channels.journal.write_lock import WriteLock

# How long (s) it waits for the writers' lock, and for SQLite's; the next step tries again.
LOCK_SECONDS = 1.5
BUSY_SECONDS = 1.5

# How long closing waits for a step that hangs in its thread, on a disk that does not answer.
CLOSE_SECONDS = 1.0

_BEHIND = """
    SELECT topics.id, topics.name, coalesce(positions.seq, 0), topics.seq
    FROM topics LEFT JOIN search_positions AS positions ON positions.topic_id = topics.id
    WHERE topics.name IN ({names}) AND topics.seq > coalesce(positions.seq, 0)
"""
# All events as one text: of rows, Python's driver gives up the interpreter's lock and takes it again for each. The
# sign keeps SQLite from the index of kinds: nearly all events are of these.
_NEXT = """
    SELECT json_group_array(json_array(events.topic_id, events.seq, events.event, events.about, events.payload))
    FROM json_each(?) AS move CROSS JOIN events
    WHERE events.topic_id = json_extract(move.value, '$[0]')
    AND events.seq <= json_extract(move.value, '$[1]') AND events.seq > json_extract(move.value, '$[2]')
    AND +events.event IN ({kinds})
"""
_EVENT = "SELECT topic_id, seq, event, about, payload FROM events WHERE topic_id = ? AND seq = ?"
_MOVE = """
    INSERT INTO search_positions (topic_id, seq) VALUES (?, ?)
    ON CONFLICT (topic_id) DO UPDATE SET seq = excluded.seq WHERE seq = ?
"""
_FORGET = "DELETE FROM search WHERE topic_id = ? AND seq = ?"
# One statement for all: a row costs 6 µs so, and 19 in a statement of its own (250 to a transaction), nearly all of it
# in FTS5. What was amended meanwhile has another payload.
_STORE = """
    INSERT INTO search (topic_id, seq, at, stems)
    SELECT events.topic_id, events.seq, events.at, json_extract(text.value, '$[3]')
    FROM json_each(?) AS text CROSS JOIN events
    WHERE events.topic_id = json_extract(text.value, '$[0]') AND events.seq = json_extract(text.value, '$[1]')
    AND events.payload = json_extract(text.value, '$[2]')
"""


class _Event(NamedTuple):
    topic_id: int
    seq: int
    event: str
    about: int | None
    payload: str


_EVENTS = msgspec.json.Decoder(list[_Event])


class _Text(NamedTuple):
    """What the index stores of an event that has this payload."""

    topic_id: int
    seq: int
    payload: str
    stems: str


class SqliteFollower:
    """Follows the journal in the file at `path`."""

    def __init__(self, path: str, texts: SearchTexts, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self._path = path
        self._lock_seconds = lock_seconds
        self._texts = texts
        self._next = _NEXT.format(kinds=_places(texts.kinds))
        self._thread = ThreadPoolExecutor(1, "index")
        self._connection: sqlite3.Connection | None = None
        self._lock: WriteLock | None = None
        self._is_closed = False

    async def follow(self, topics: Sequence[str]) -> Collection[str]:
        """Index the next events of these topics; return those that have more."""
        if self._is_closed:
            raise JournalUnavailable("the journal is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._follow, topics)

    async def close(self) -> None:
        """Close the connection and end the thread, which is left alone where it hangs; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        await asyncio.wait([closing], timeout=CLOSE_SECONDS)
        self._thread.shutdown(wait=False)

    def _follow(self, topics: Sequence[str]) -> Collection[str]:
        try:
            return self._step(self._connection or self._connect(), topics)
        except (sqlite3.Error, OSError) as error:  # TimeoutError is one
            self._disconnect()
            raise JournalUnavailable(str(error)) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._connection = connection
        # Without a sync the index is behind after a power cut, and follows again.
        connection.execute("PRAGMA synchronous=NORMAL")
        # The writer copies the log into the file, in its larger steps.
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA secure_delete=ON")
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _close(self) -> None:
        self._disconnect()
        if self._lock is not None:
            self._lock.close()

    def _step(self, connection: sqlite3.Connection, topics: Sequence[str]) -> Collection[str]:
        behind = connection.execute(_BEHIND.format(names=_places(topics)), topics).fetchall()
        if not behind:
            return ()
        moves, more = next_moves(behind)
        passed = self._passed(connection, moves)
        targets = self._targets(connection, passed)
        events = {(each.topic_id, each.seq): each for each in (*passed, *targets)}.values()
        texts = [text for each in events if (text := self._text(each)) is not None]
        self._store(connection, moves, targets, texts)
        return more

    def _passed(self, connection: sqlite3.Connection, moves: Sequence[Move]) -> list[_Event]:
        ((found,),) = connection.execute(self._next, (_json(moves), *self._texts.kinds))
        return _EVENTS.decode(found)

    def _targets(self, connection: sqlite3.Connection, passed: Iterable[_Event]) -> list[_Event]:
        """Return the events that some of these have amended, as they are now."""
        named = {(each.topic_id, each.about) for each in passed if each.event in self._texts.amending}
        return [_Event(*row) for key in named for row in connection.execute(_EVENT, key)]

    def _text(self, event: _Event) -> _Text | None:
        said = self._texts.said(event.event, event.payload)
        stems = self._texts.stems(event.topic_id, said) if said else ""
        return _Text(event.topic_id, event.seq, event.payload, stems) if said else None

    def _store(
        self,
        connection: sqlite3.Connection,
        moves: Sequence[Move],
        targets: Sequence[_Event],
        texts: Sequence[_Text],
    ) -> None:
        """Move the positions, and store the texts of the topics that no other worker has moved meanwhile."""
        lock = self._lock = self._lock or WriteLock(f"{self._path}-turn")
        lock.acquire(self._lock_seconds)
        try:
            connection.execute("BEGIN IMMEDIATE")
            moved = {move.topic_id for move in moves if connection.execute(_MOVE, move).rowcount}
            connection.executemany(_FORGET, [(each.topic_id, each.seq) for each in targets if each.topic_id in moved])
            mine = [each for each in texts if each.topic_id in moved]
            if connection.execute(_STORE, (_json(mine),)).rowcount < len(mine):
                self._store_changed(connection, mine)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                self._disconnect()
            lock.release()

    def _store_changed(self, connection: sqlite3.Connection, texts: Iterable[_Text]) -> None:
        """Store those texts whose events were changed in something else meanwhile."""
        for text in texts:
            for row in connection.execute(_EVENT, (text.topic_id, text.seq)).fetchall():
                now = self._text(_Event(*row))
                if now is not None and now.payload != text.payload and now.stems == text.stems:
                    connection.execute(_STORE, (_json([now]),))


def _json(rows: Sequence[Move] | Sequence[_Text]) -> str:
    return msgspec.json.encode(rows).decode()


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
