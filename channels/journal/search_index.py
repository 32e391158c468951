"""The index of the texts of events, by the stems of their words: what follows the journal, and what finds in it.

    append: nothing       amend: the row goes, in the same transaction       SearchIndex.follow: rows are added, later

Stems are worked out and stored behind the append, not in it: a message can be found a few seconds after it was sent. An
amended text goes at once: the writers delete its row in the transaction that replaces the text, and it is indexed again
when the index reaches the event that amended it. A row is stored only while its text is locked and still the one whose
stems it has, so that no hidden word gets into the index.

A topic is among the stems of each of its texts (§ and its id), so that the index itself leaves out what a reader may
not read. SQLite finds by FTS5, PostgreSQL by a GIN index; both compare the same stems.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Select,
    bindparam,
    create_engine,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from channels.journal.tables import events_table, search_positions_table, search_table, topics_table
from channels.journal.words import stems, stems_of, words

# Events of one transaction, which keeps SQLite's other writers waiting: some 5 ms.
AT_ONCE = 100

# How long (s) such a transaction waits for SQLite's lock; the next step tries again.
BUSY_SECONDS = 1.5

# Words of a query that count: nobody reads what a longer one would find.
MAX_WORDS = 12

# Topics that the index itself compares; a reader who has more has nearly all.
MAX_INDEXED_TOPICS = 64

# How the index moves on in topics, by their ids: from a position to a later one.
Moves = Mapping[int, tuple[int, int]]

_REACHED = func.coalesce(search_positions_table.c.seq, 0)
_FIRST = text("INSERT INTO search_positions (topic_id, seq) VALUES (:topic_id, 0) ON CONFLICT DO NOTHING")

# What an event says; empty where it says nothing.
TextOf = Callable[[bytes], str]


class Place(msgspec.Struct, frozen=True):
    """The place of a hit among all, newest first."""

    at: int
    number: int


class Hit(NamedTuple):
    """An event that was found."""

    place: Place
    topic: str
    seq: int
    event: str
    payload: bytes


class _Text(NamedTuple):
    """An event's text, and what the index stores of it."""

    topic_id: int
    seq: int
    at: int
    event: str
    said: str
    stems: str


class _Step(NamedTuple):
    """How the index moves on: the events that it passes, and those that some of them have amended.

    `is_full`: there may be more events than one transaction takes.
    """

    moves: Moves
    passed: Sequence[Any]
    targets: Sequence[Any]
    is_full: bool


class SearchIndex:
    """The index of one journal.

    `texts` says of each kind of event that can be found what its words are; `amending` names the kinds that change the
    event which they are about.
    """

    def __init__(self, engine: AsyncEngine, texts: Mapping[str, TextOf], amending: Collection[str]) -> None:
        self._engine = engine
        self._file = _open_file(engine.url) if engine.dialect.name == "sqlite" else None
        self._texts = dict(texts)
        self._amending = frozenset(amending)

    # Following the journal

    async def behind(self, topics: Collection[str] | None = None) -> list[str]:
        """Return which of these topics (None: of all) have events that the index has not reached."""
        async with self._engine.connect() as connection:
            return [row.name for row in await connection.execute(_behind(topics))]

    async def follow(self, topics: Collection[str]) -> bool:
        """Index the next events of these topics; return whether there are more."""
        if self._file is not None:
            # Whole in a thread: on SQLite a transaction locks the file for the writers of events, and in the event loop
            # each of its statements would wait for a turn, and the lock with it: for 0.2 s while the loop is busy.
            return await asyncio.to_thread(self._follow_in_file, self._file, topics)
        async with self._engine.connect() as connection:
            step = await connection.run_sync(self._next, topics)
        if not step.moves:
            return False
        # A thread's, because a text full of new words takes milliseconds.
        texts = await asyncio.to_thread(self._read, step)
        async with self._engine.begin() as connection:
            await connection.run_sync(self._store, step, texts)
        return step.is_full

    def _follow_in_file(self, file: Engine, topics: Collection[str]) -> bool:
        with file.connect() as connection:
            step = self._next(connection, topics)
            if not step.moves:
                return False
            texts = self._read(step)
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._store(connection, step, texts)
            connection.commit()
        return step.is_full

    def _next(self, connection: Connection, topics: Collection[str]) -> _Step:
        moves = {row.id: (row.reached, row.seq) for row in connection.execute(_behind(topics))}
        kinds = [*self._texts, *self._amending]
        query = (
            select(events_table)
            .join(topics_table, topics_table.c.id == events_table.c.topic_id)
            .outerjoin(search_positions_table, search_positions_table.c.topic_id == topics_table.c.id)
            .where(topics_table.c.id.in_(moves), events_table.c.event.in_(kinds), events_table.c.seq > _REACHED)
            .order_by(events_table.c.topic_id, events_table.c.seq)
            .limit(AT_ONCE)
        )
        rows = connection.execute(query).all()
        is_full = len(rows) == AT_ONCE
        if is_full:
            # The last topic is passed in part, those after it not at all.
            last = rows[-1]
            moves = {topic_id: move for topic_id, move in moves.items() if topic_id < last.topic_id} | {
                last.topic_id: (moves[last.topic_id][0], last.seq)
            }
        # PostgreSQL may see events here that are newer than the positions.
        passed = [row for row in rows if row.topic_id in moves and row.seq <= moves[row.topic_id][1]]
        return _Step(moves, passed, self._targets(connection, passed), is_full)

    def _targets(self, connection: Connection, rows: Iterable[Any]) -> Sequence[Any]:
        """Return the events that some of these have amended, as they are now."""
        named = {(row.topic_id, row.about) for row in rows if row.event in self._amending and row.about is not None}
        if not named:
            return []
        where = tuple_(events_table.c.topic_id, events_table.c.seq).in_(list(named))
        return connection.execute(select(events_table).where(where)).all()

    def _read(self, step: _Step) -> list[_Text]:
        found: dict[tuple[int, int], _Text] = {}
        for row in (*step.passed, *step.targets):
            said = self._said(row.event, row.payload)
            if said:
                all_stems = " ".join([_topic_stem(row.topic_id), *sorted(stems(said))])
                found[row.topic_id, row.seq] = _Text(row.topic_id, row.seq, row.at, row.event, said, all_stems)
        return list(found.values())

    def _said(self, event: str, payload: str) -> str:
        text_of = self._texts.get(event)
        return text_of(payload.encode()) if text_of is not None else ""

    def _store(self, connection: Connection, step: _Step, texts: Sequence[_Text]) -> None:
        """Move the positions, and store the texts of the topics that no other worker has moved meanwhile."""
        moved = _move(connection, step.moves)
        mine = [each for each in texts if each.topic_id in moved]
        # In the order of those who amend: the event first, then its row.
        current = _locked(connection, [(each.topic_id, each.seq) for each in mine])
        _forget(connection, [(row.topic_id, row.seq) for row in step.targets if row.topic_id in moved])
        rows = [
            {"topic_id": each.topic_id, "seq": each.seq, "at": each.at, "stems": each.stems}
            for each in mine
            if self._said(each.event, current[each.topic_id, each.seq]) == each.said
        ]
        if rows:
            connection.execute(insert(search_table), rows)

    # Finding

    async def find(self, wanted: str, topics: Collection[str], before: Place | None, limit: int) -> list[Hit]:
        """Return the newest `limit` events of these topics that have all words of `wanted`, older than a place."""
        alternatives = [stems_of(word) for word in dict.fromkeys(words(wanted))][:MAX_WORDS]
        if not alternatives or not topics:
            return []
        async with self._engine.connect() as connection:
            named = select(topics_table.c.id).where(topics_table.c.name.in_(topics))
            topic_ids = list((await connection.execute(named)).scalars())
            if not topic_ids:
                return []
            if len(topic_ids) <= MAX_INDEXED_TOPICS:
                alternatives.append(frozenset(map(_topic_stem, topic_ids)))
            query = _matching(connection.dialect.name, alternatives)
            query = query.where(search_table.c.topic_id.in_(topic_ids)).limit(limit)
            if before is not None:
                older = or_(search_table.c.at < before.at, search_table.c.id < before.number)
                query = query.where(search_table.c.at <= before.at, older)
            rows = (await connection.execute(query)).all()
        return [Hit(Place(row.at, row.id), row.name, row.seq, row.event, row.payload.encode()) for row in rows]


def _behind(topics: Collection[str] | None) -> Select[Any]:
    query = (
        select(topics_table.c.id, topics_table.c.name, topics_table.c.seq, _REACHED.label("reached"))
        .outerjoin(search_positions_table, search_positions_table.c.topic_id == topics_table.c.id)
        .where(topics_table.c.seq > _REACHED)
    )
    return query if topics is None else query.where(topics_table.c.name.in_(topics))


def _topic_stem(topic_id: int) -> str:
    # § is in no word.
    return f"§{topic_id}"


def _matching(dialect: str, alternatives: Sequence[frozenset[str]]) -> Select[Any]:
    """Return the query for the texts that have one stem of each set."""
    query = (
        select(
            search_table.c.id,
            search_table.c.at,
            search_table.c.seq,
            topics_table.c.name,
            events_table.c.event,
            events_table.c.payload,
        )
        .join(topics_table, topics_table.c.id == search_table.c.topic_id)
        .join(
            events_table,
            (events_table.c.topic_id == search_table.c.topic_id) & (events_table.c.seq == search_table.c.seq),
        )
        .order_by(search_table.c.at.desc(), search_table.c.id.desc())
    )
    if dialect == "sqlite":
        wanted = " AND ".join(_any_of(each, '"{}"', " OR ") for each in alternatives)
        matching = text("search.id IN (SELECT rowid FROM search_words WHERE search_words MATCH :wanted)")
    else:
        wanted = " & ".join(_any_of(each, "'{}'", " | ") for each in alternatives)
        matching = text("array_to_tsvector(string_to_array(search.stems, ' ')) @@ CAST(:wanted AS tsquery)")
    return query.where(matching.bindparams(wanted=wanted))


def _any_of(each: frozenset[str], quoted: str, operator: str) -> str:
    # No stem has a quote in it.
    return f"({operator.join(quoted.format(stem) for stem in sorted(each))})"


def _open_file(url: URL) -> Engine:
    connect_args = {"timeout": BUSY_SECONDS, "isolation_level": None}
    file = create_engine(url.set(drivername="sqlite"), poolclass=NullPool, connect_args=connect_args)
    # Writers of events would wait for a sync. Without it the index is behind after a power cut, and follows again.
    listen(file, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL"))
    return file


def _move(connection: Connection, moves: Moves) -> set[int]:
    connection.execute(_FIRST, [{"topic_id": topic_id} for topic_id in sorted(moves)])
    positions = search_positions_table
    query = select(positions).where(positions.c.topic_id.in_(moves)).order_by(positions.c.topic_id).with_for_update()
    found = {row.topic_id: row.seq for row in connection.execute(query)}
    mine = {topic_id: after for topic_id, (before, after) in moves.items() if found.get(topic_id) == before}
    if mine:
        moving = update(positions).where(positions.c.topic_id == bindparam("topic")).values(seq=bindparam("after"))
        connection.execute(moving, [{"topic": topic, "after": after} for topic, after in mine.items()])
    return set(mine)


def _forget(connection: Connection, keys: Sequence[tuple[int, int]]) -> None:
    if keys:
        connection.execute(delete(search_table).where(tuple_(search_table.c.topic_id, search_table.c.seq).in_(keys)))


def _locked(connection: Connection, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Return the payloads of events, which nothing amends until the transaction ends."""
    if not keys:
        return {}
    where = tuple_(events_table.c.topic_id, events_table.c.seq).in_(keys)
    columns = events_table.c.topic_id, events_table.c.seq, events_table.c.payload
    rows = connection.execute(select(*columns).where(where).with_for_update(read=True))
    return {(topic_id, seq): payload for topic_id, seq, payload in rows}
