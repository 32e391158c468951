"""The index of the texts of events, by the stems of their words: what follows the journal, and what finds in it.

    append: nothing       amend: the row goes, in the same transaction       SearchIndex.follow: rows are added, later

Stems are worked out and stored behind the append, not in it: a message can be found a few seconds after it was sent. An
amended text goes at once: the writers delete its row in the transaction that replaces the text, and it is indexed again
when the index reaches the event that amended it. A row is stored only while its text is locked and still the one whose
stems it has, so that no hidden word gets into the index.

A topic is among the stems of each of its texts (§ and its id), so that the index itself leaves out what a reader may
not read. SQLite finds by FTS5, PostgreSQL by a GIN index; both compare the same stems.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import Select, or_, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.search_index_postgresql import PostgresqlFollower
from channels.journal.search_index_sqlite import SqliteFollower
from channels.journal.search_texts import SearchTexts, TextOf, topic_stem
from channels.journal.tables import events_table, search_table, topics_table
from channels.journal.words import stems_of, words

# Words of a query that count: nobody reads what a longer one would find.
MAX_WORDS = 12

# Topics that the index itself compares; a reader who has more has nearly all.
MAX_INDEXED_TOPICS = 64


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


class Follower(Protocol):
    """Follows the journal into the index of one kind of database."""

    async def follow(self, topics: Sequence[str]) -> Collection[str]:
        """Index the next events of these topics; return those that may have more."""

    async def close(self) -> None:
        """Give the connection back."""


class SearchIndex:
    """The index of one journal.

    `texts` says of each kind of event that can be found what its words are; `amending` names the kinds that change the
    event which they are about.
    """

    def __init__(self, engine: AsyncEngine, texts: Mapping[str, TextOf], amending: Collection[str]) -> None:
        self._engine = engine
        self._follower = _follower(engine, SearchTexts(texts, amending))

    async def follow(self, topics: Sequence[str]) -> Collection[str]:
        """Index the next events of these topics; return those that may have more."""
        return await self._follower.follow(topics)

    async def close(self) -> None:
        """Give the connection back; nothing is followed afterwards."""
        await self._follower.close()

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
                alternatives.append(frozenset(map(topic_stem, topic_ids)))
            query = _matching(connection.dialect.name, alternatives)
            query = query.where(search_table.c.topic_id.in_(topic_ids)).limit(limit)
            if before is not None:
                older = or_(search_table.c.at < before.at, search_table.c.id < before.number)
                query = query.where(search_table.c.at <= before.at, older)
            rows = (await connection.execute(query)).all()
        return [Hit(Place(row.at, row.id), row.name, row.seq, row.event, row.payload.encode()) for row in rows]


def _follower(engine: AsyncEngine, texts: SearchTexts) -> Follower:
    if engine.dialect.name == "sqlite":
        return SqliteFollower(engine.url.database or "", texts)
    return PostgresqlFollower(engine, texts)


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
