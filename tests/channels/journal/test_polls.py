"""A SQLite file in which nothing was committed is asked once; whatever is committed is found at the next poll."""

from collections.abc import Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.entry import DueTimer, Entry, Timer
from channels.journal.journal import Journal
from channels.journal.polls import AHEAD_MS
from tests.channels.journal.support import append, entry
from tests.statements import recorded


@pytest.fixture
def statements(database: AsyncEngine) -> Iterator[list[str]]:
    with recorded(database, lambda statement: "topics" in statement and "SELECT" in statement) as statements:
        yield statements


def expected(database: AsyncEngine, polls: int) -> int:
    """Return how many of these polls reach the database: PostgreSQL is asked each time."""
    return 0 if database.dialect.name == "sqlite" else polls


def timed(at: int) -> Entry:
    return Entry("user:1", "x", b"{}", 1, None, 1_000, timer=Timer(at, "go"))


async def test_unchanged_journal_is_not_asked_again_what_has_moved(
    journal: Journal, database: AsyncEngine, statements: list[str]
) -> None:
    await append(journal, entry("a"))
    since = (await journal.moved(None)).next
    statements.clear()
    for _ in range(3):
        moved = await journal.moved(since)
        assert moved.heads == {}
        since = moved.next
    assert len(statements) == expected(database, 3)
    await append(journal, entry("b"))
    assert (await journal.moved(since)).heads["b"] == 1


async def test_unchanged_journal_is_not_asked_again_for_timers(
    journal: Journal, database: AsyncEngine, statements: list[str]
) -> None:
    await append(journal, timed(5_000))
    assert await journal.due(1_000, 10) == []
    statements.clear()
    for now in (2_000, 500, 4_999):
        assert await journal.due(now, 10) == []
    assert len(statements) == expected(database, 3)
    for _ in range(2):  # until its event is there, it stays due
        assert await journal.due(5_000, 10) == [DueTimer("user:1", 1, 1, "go")]
    await append(journal, timed(900))
    assert [timer.seq for timer in await journal.due(1_000, 10)] == [2]


async def test_timer_beyond_what_was_read_ahead_is_found_at_its_time(journal: Journal) -> None:
    at = 1_000 + 2 * AHEAD_MS
    await append(journal, timed(at))
    for now in range(1_000, at, AHEAD_MS // 2):
        assert await journal.due(now, 10) == []
    assert [timer.seq for timer in await journal.due(at, 10)] == [1]
