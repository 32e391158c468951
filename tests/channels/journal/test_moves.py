"""`Journal.moved` returns every topic with new events, whatever the order of commits."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.entry import Entry, Group, Mark, Receipt
from channels.journal.journal import Journal
from channels.journal.postgresql import _append
from channels.wire.codec import Event
from server.databases.engine import asyncpg_dsn
from tests.channels.support import writer_for


class Unconcerned:
    """A listener that ignores every call."""

    def committed(self, batch: Sequence[tuple[Entry, Event]], queued_at: float) -> None:
        pass

    def in_doubt(self, topics: set[str]) -> None:
        pass

    def already_stored(self, topic: str, seq: int) -> None:
        pass

    def marked(self, marks: Sequence[Mark]) -> None:
        pass


def entry(topic: str) -> Entry:
    return Entry(topic, "message:sent", b"{}", 1, None, 1)


async def stored(journal: Journal, *topics: str) -> None:
    """Append one event to each topic and wait for the receipts."""
    waiting = [asyncio.get_running_loop().create_future() for _ in topics]
    for topic, future in zip(topics, waiting, strict=True):
        journal.append([entry(topic)], future.set_result)
    for outcome in await asyncio.gather(*waiting):
        assert isinstance(outcome, Receipt)


async def test_moved_returns_only_topics_with_newer_events(journal: Journal) -> None:
    await stored(journal, "a", "b")
    start = await journal.moved(None)
    assert start.heads == {}
    assert (await journal.moved(start.next)).heads == {}
    await stored(journal, "b", "c", "b")
    moved = await journal.moved(start.next)
    assert moved.heads == {"b": 3, "c": 1}
    assert (await journal.moved(moved.next)).heads == {}
    assert (await journal.moved(0)).heads == {"a": 1, "b": 3, "c": 1}


async def test_two_writers_of_one_journal_see_each_others_events(journal: Journal, database: AsyncEngine) -> None:
    other = Journal(database, writer_for(database))
    other.start(Unconcerned())
    since = (await journal.moved(None)).next
    for _ in range(3):
        await asyncio.gather(stored(journal, "a"), stored(other, "b"))
    assert (await other.moved(since)).heads == {"a": 3, "b": 3}
    await other.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_transaction_that_commits_out_of_order_is_not_missed(journal: Journal, database: AsyncEngine) -> None:
    since = (await journal.moved(None)).next
    slow = await asyncpg.connect(asyncpg_dsn(database.url))
    await slow.execute("BEGIN")
    await _append(slow, [Group([entry("slow")], lambda outcome: None, None)])
    await stored(journal, "quick")
    moved = await journal.moved(since)
    assert moved.heads == {"quick": 1}
    await slow.execute("COMMIT")
    moved = await journal.moved(moved.next)
    assert moved.heads["slow"] == 1
    assert (await journal.moved(moved.next)).heads == {}
    await slow.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_transaction_ids_of_another_cluster_are_ignored(journal: Journal, database: AsyncEngine) -> None:
    await stored(journal, "a")
    connection = await asyncpg.connect(asyncpg_dsn(database.url))
    await connection.execute("UPDATE topics SET moved = 1000000000000")
    await connection.close()
    assert (await journal.moved(0)).heads == {}
    await stored(journal, "a")
    assert (await journal.moved(0)).heads == {"a": 2}
