"""Appends a batch to PostgreSQL by compare-and-swap: one or two statements, and locks that no round trip is waited for.

    look: counters and known pushes, without locks -> positions are given here -> store: only where no counter has moved

Counters that this writer moved last are not looked at again: what moved since, or a push that is stored already, ends
the second statement, and the batch is looked at.

A transaction of several statements holds its topics' counters from its lock to its commit, four round trips. Over a
line that loses packets each may take a second, and everybody who writes to these topics waits for as long. Here the
counters are locked, compared, advanced and given back inside one statement, which is a transaction of its own.

Where a counter has moved since it was read, nothing is stored, and the caller tries again or locks. It moves with every
event, and what was looked up is of the same snapshot: so a counter that stands shows that no push, no governing event
and no newer event of an author has come meanwhile. Choices move no counter; a batch with one, or with what reads and
changes other rows, is left to `channels.journal.postgresql`.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import asyncpg

from channels.journal.assignment import Fresh, assign
from channels.journal.entry import Counter, Entry, Group, Receipt, Stored, Superseded
from channels.journal.known_counters import KnownCounters

CREATE = """
    INSERT INTO topics (name, seq) SELECT name, 0 FROM unnest($1::text[]) AS name ORDER BY name ON CONFLICT DO NOTHING
"""

# The first push from (`sent.topic_id`, `sent.author_id`, `sent.push_id`) on, in the order of the index of pushes. Asked
# for the push itself, PostgreSQL reads all events of the topic instead while its statistics say that there are few: of
# a class that grew by 60 messages since they were made, that took four times as long.
STORED_PUSH = """
    SELECT topic_id, author_id, push_id, seq, at FROM events
    WHERE (topic_id, author_id, push_id) >= (sent.topic_id, sent.author_id, sent.push_id)
    ORDER BY topic_id, author_id, push_id LIMIT 1
"""

# The position of the newest event of `known.author_id` past `known.seq`.
NEWEST_OWN = """
    SELECT max(seq) AS seq FROM events
    WHERE topic_id = known.topic_id AND seq > known.seq AND author_id = known.author_id
"""

# The counters of topics (0), the pushes of the batch that are stored already (1), and authors' newest events (2).
_LOOK = f"""
    SELECT 0 AS kind, id AS topic_id, seq, governed AS number, name AS text, 0::bigint AS at
    FROM topics WHERE name = ANY($1::text[])
    UNION ALL
    SELECT 1, found.topic_id, found.seq, found.author_id, found.push_id, found.at
    FROM (
        SELECT topics.id AS topic_id, author_id, push_id
        FROM unnest($2::text[], $3::bigint[], $4::text[]) AS pushes (name, author_id, push_id)
        JOIN topics ON topics.name = pushes.name
    ) AS sent CROSS JOIN LATERAL ({STORED_PUSH}) AS found
    WHERE (found.topic_id, found.author_id, found.push_id) = (sent.topic_id, sent.author_id, sent.push_id)
    UNION ALL
    SELECT 2, known.topic_id, newest.seq, known.author_id, NULL, 0
    FROM (
        SELECT topics.id AS topic_id, author_id, pushes.seq
        FROM unnest($5::text[], $6::bigint[], $7::bigint[]) AS pushes (name, author_id, seq)
        JOIN topics ON topics.name = pushes.name
    ) AS known CROSS JOIN LATERAL ({NEWEST_OWN}) AS newest
    WHERE newest.seq IS NOT NULL
"""  # noqa: S608 (of our own constants)
# Locked in the order of their names, as by every other writer.
_STORE = """
    WITH locked AS (
        SELECT id, seq FROM topics WHERE id = ANY($1::bigint[]) ORDER BY name FOR NO KEY UPDATE
    ), compared AS (
        SELECT count(*) = cardinality($1::bigint[]) AS is_same
        FROM locked JOIN unnest($1::bigint[], $2::bigint[]) AS looked (id, seq) USING (id, seq)
    ), advanced AS (
        UPDATE topics SET seq = new.seq, governed = new.governed, moved = pg_current_xact_id()::text::bigint
        FROM unnest($1::bigint[], $3::bigint[], $4::bigint[]) AS new (id, seq, governed)
        WHERE topics.id = new.id AND (SELECT is_same FROM compared)
    ), inserted AS (
        INSERT INTO events (topic_id, seq, event, author_id, push_id, at, payload, about)
        SELECT * FROM unnest(
            $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::text[], $10::bigint[], $11::text[], $12::bigint[]
        ) WHERE (SELECT is_same FROM compared)
    )
"""
_PARAMETERS = 12

# A look that takes longer lost a packet: Linux sends it again after 200 ms at the earliest. For so long the line counts
# as slow then.
SLOW_SECONDS = 0.15
SLOW_FOR_SECONDS = 30.0

# How often a batch is tried over a slow line, which has quick moments, before it takes its turn by locks.
SLOW_TRIES = 6

# Batches that take locks at once, over a quick line, after one that was tried in vain: others write to its topics all
# the time. Of four workers that write to one class as fast as they can 92 batches a second are stored by locks alone,
# 25 where each batch is tried first, 117 so.
LOCKED_BATCHES = 16


# A statement and its rows.
Written = tuple[str, Sequence[tuple[object, ...]]]


class Looked(NamedTuple):
    """What stood when a batch was looked at."""

    counters: dict[str, Counter]
    known: dict[tuple[int, int, str], Receipt]
    own: dict[tuple[int, int], int] | None


class Pace:
    """How often one writer tries to store a batch before it takes locks."""

    def __init__(self) -> None:
        self._slow_until = -1.0
        self._locked = 0

    def tries(self, now: float) -> int:
        """Return how often the next batch is tried."""
        if now < self._slow_until:
            return SLOW_TRIES
        self._locked = max(0, self._locked - 1)
        return 0 if self._locked else 1

    def looked(self, seconds: float, now: float) -> None:
        """Note how long a look took: it waits for no lock."""
        if seconds > SLOW_SECONDS:
            self._slow_until = now + SLOW_FOR_SECONDS

    def lost(self) -> None:
        """Note that a batch was not stored without locks."""
        if not self._locked:
            self._locked = LOCKED_BATCHES


class Swaps:
    """Stores the batches of one writer by compare-and-swap, where that is possible."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._known = KnownCounters()

    async def commit(
        self, connection: asyncpg.Connection, groups: Sequence[Group], others: Sequence[Written]
    ) -> list[Stored] | None:
        """Store a batch, as `channels.journal.entry.Writer` says; None where it has to be stored under locks.

        `others` is written in the same transaction.
        """
        if not groups or not all(is_plain(entry) for group in groups for entry in group.entries):
            return None
        names, time = sorted(topics_of(groups)), asyncio.get_running_loop().time
        left = self._pace.tries(time())
        if left > 0:
            stored = await self._store_known(connection, names, groups, others)
            if stored is not None:
                return stored
        while left > 0:
            began = time()
            looked = await look(connection, names, groups)
            if looked is None:
                await connection.execute(CREATE, names)
                continue
            self._pace.looked(time() - began, time())
            stored = await self._store_looked(connection, looked, groups, others)
            if stored is not None:
                return stored
            left -= 1
        self._pace.lost()
        return None

    def forget(self, topics: Iterable[str]) -> None:
        """Look at these topics before the next swap: they are written under locks."""
        self._known.forget(topics)

    def forget_all(self) -> None:
        """Look at all topics: nobody knows what became of a batch."""
        self._known.clear()

    async def _store_known(
        self,
        connection: asyncpg.Connection,
        names: Sequence[str],
        groups: Sequence[Group],
        others: Sequence[Written],
    ) -> list[Stored] | None:
        # None: what the batch depends on has to be looked at.
        asks_for_own = any(group.checked is not None and group.checked.own is not None for group in groups)
        counters = None if asks_for_own else self._known.of(names)
        if counters is None:
            return None
        looked = _positions(counters)
        assigned = assign(counters, {}, None, {}, groups)
        if any(isinstance(each, Superseded) for each in assigned.stored):
            return None  # a push that was stored before gets its receipt all the same
        try:
            is_stored = await store(connection, looked, counters.values(), map(row_of, assigned.fresh), *others)
        except asyncpg.UniqueViolationError:  # a push was stored before
            is_stored = False
        if not is_stored:
            self._known.note_vain(names)
            return None
        self._known.keep(counters)
        return assigned.stored

    async def _store_looked(
        self, connection: asyncpg.Connection, looked: Looked, groups: Sequence[Group], others: Sequence[Written]
    ) -> list[Stored] | None:
        counters = looked.counters
        before = _positions(counters)
        assigned = assign(counters, looked.known, looked.own, {}, groups)
        if assigned.fresh or any(rows for _, rows in others):
            if not await store(connection, before, counters.values(), map(row_of, assigned.fresh), *others):
                return None
            self._known.keep(counters)
        return assigned.stored


def _positions(counters: Mapping[str, Counter]) -> list[tuple[int, int]]:
    return [(counter.id, counter.seq) for counter in counters.values()]


def topics_of(groups: Iterable[Group]) -> set[str]:
    """Return the topics whose counters must not move before a batch is stored: those of the rules, too."""
    topics = {entry.topic for group in groups for entry in group.entries}
    return topics | {group.checked.topic for group in groups if group.checked is not None}


def row_of(fresh: Fresh) -> tuple[object, ...]:
    """Return an event's row."""
    topic_id, seq, entry, first = fresh
    payload, about = entry.body(first).decode(), entry.kept_about
    return topic_id, seq, entry.event, entry.author_id, entry.push_id, entry.at, payload, about


def is_plain(entry: Entry) -> bool:
    """Tell whether nothing but its own row is read and written for an entry."""
    extra = (entry.choice, entry.amend, entry.tally, entry.timer, entry.stops)
    return not entry.audited and all(each is None for each in extra)


async def look(connection: asyncpg.Connection, topics: Sequence[str], groups: Sequence[Group]) -> Looked | None:
    """Read what a batch of plain entries depends on, in one statement; None where a topic is new."""
    first = [group.entries[0] for group in groups]
    sent = [(entry.topic, entry.author_id, entry.push_id) for entry in first if entry.push_id]
    asked = [
        (group.checked.topic, group.entries[0].author_id, group.checked.own)
        for group in groups
        if group.checked is not None and group.checked.own is not None
    ]
    rows = await connection.fetch(_LOOK, topics, *_columns(sent), *_columns(asked))
    counters = {name: Counter(topic_id, seq, governed) for kind, topic_id, seq, governed, name, _ in rows if kind == 0}
    if len(counters) < len(topics):
        return None
    known = {
        (topic, author, push): Receipt(seq, at, fresh=False) for kind, topic, seq, author, push, at in rows if kind == 1
    }
    own = {(topic, author): seq for kind, topic, seq, author, _, _ in rows if kind == 2}
    return Looked(counters, known, own if asked else None)


async def store(
    connection: asyncpg.Connection,
    looked: Sequence[tuple[int, int]],
    counters: Iterable[Counter],
    events: Iterable[tuple[object, ...]],
    *others: Written,
) -> bool:
    """Store events and advance their counters, if all stand as they were looked at; tell whether they did.

    `looked` has the ids and positions of the counters then. `others` are statements that write in the same transaction,
    each with its rows.
    """
    written = [each for each in others if each[1]]
    columns: list[list[object]] = [[topic_id for topic_id, _ in looked], [seq for _, seq in looked]]
    columns += _columns([(each.seq, each.governed) for each in counters])
    columns += _columns(events, 8)
    for _, rows in written:
        columns += _columns(rows)
    query = _query(tuple((statement, len(rows[0])) for statement, rows in written))
    return bool(await connection.fetchval(query, *columns))


@cache
def _query(others: tuple[tuple[str, int], ...]) -> str:
    query, taken = _STORE, _PARAMETERS
    for number, (statement, width) in enumerate(others):
        moved = re.sub(r"\$(\d+)", lambda match, taken=taken: f"${int(match[1]) + taken}", statement)  # type: ignore[misc]
        guarded = moved.replace("ORDER BY topics.id", "WHERE (SELECT is_same FROM compared) ORDER BY topics.id")
        query += f", other_{number} AS ({guarded})"
        taken += width
    return f"{query} SELECT is_same FROM compared"  # noqa: S608 (of our own constants)


def _columns(rows: Iterable[tuple[object, ...]], width: int = 3) -> Iterator[list[object]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return iter(columns or [[] for _ in range(width)])
