"""Appends a batch to PostgreSQL by compare-and-swap: two statements, and locks that no round trip is waited for.

    look: counters and known pushes, without locks -> positions are given here -> store: only where no counter has moved

A transaction of several statements holds its topics' counters from its lock to its commit, four round trips. Over a
line that loses packets each may take a second, and everybody who writes to these topics waits for as long. Here the
counters are locked, compared, advanced and given back inside one statement, which is a transaction of its own.

Where a counter has moved since it was read, nothing is stored, and the caller tries again or locks. It moves with every
event, and what was looked up is of the same snapshot: so a counter that stands shows that no push, no governing event
and no newer event of an author has come meanwhile. Choices move no counter; a batch with one, or with what reads and
changes other rows, is left to `channels.journal.postgresql`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import asyncpg

from channels.journal.entry import Counter, Entry, Group, Receipt

# The counters of topics (0), the pushes of the batch that are stored already (1), and authors' newest events (2).
_LOOK = """
    SELECT 0 AS kind, id AS topic_id, seq, governed AS number, name AS text, 0::bigint AS at
    FROM topics WHERE name = ANY($1::text[])
    UNION ALL
    SELECT 1, events.topic_id, events.seq, events.author_id, events.push_id, events.at
    FROM unnest($2::text[], $3::bigint[], $4::text[]) AS sent (name, author_id, push_id)
    JOIN topics ON topics.name = sent.name
    JOIN events ON (events.topic_id, events.author_id, events.push_id) = (topics.id, sent.author_id, sent.push_id)
    UNION ALL
    SELECT 2, events.topic_id, max(events.seq), events.author_id, NULL, 0
    FROM unnest($5::text[], $6::bigint[], $7::bigint[]) AS known (name, author_id, seq)
    JOIN topics ON topics.name = known.name
    JOIN events ON events.topic_id = topics.id AND events.seq > known.seq AND events.author_id = known.author_id
    GROUP BY events.topic_id, events.author_id
"""
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
    *others: tuple[str, Sequence[tuple[object, ...]]],
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
