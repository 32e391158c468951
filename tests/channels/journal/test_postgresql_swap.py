"""Batches are stored without locks that outlast a statement, and only where nothing has moved meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import chain

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal import postgresql_swap
from channels.journal.entry import Checked, Counter, Group, Mark, Snapshot, Superseded, Timer
from channels.journal.postgresql import PostgresqlWriter
from channels.journal.postgresql_swap import (
    LOCKED_BATCHES,
    SLOW_FOR_SECONDS,
    SLOW_SECONDS,
    SLOW_TRIES,
    Pace,
    is_plain,
    look,
    store,
)
from server.databases.engine import asyncpg_dsn
from tests.channels.journal.support import entry, group, receipt
from tests.channels.support import writer_for

on_postgresql = pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
EVENT = (1, "message:sent", 1, None, 1_000, "{}", None)


@pytest.fixture
async def connection(database: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """Return a connection to a journal whose topics `a` and `b` have one event each."""
    writer = writer_for(database)
    await writer.commit([group(entry("a", push_id="1")), group(entry("b", push_id="1"))])
    await writer.close()
    connection = await asyncpg.connect(asyncpg_dsn(database.url))
    yield connection
    await connection.close()


async def counters(connection: asyncpg.Connection) -> list[tuple[str, int]]:
    return [tuple(row) for row in await connection.fetch("SELECT name, seq FROM topics ORDER BY name")]


@on_postgresql
async def test_counter_that_moved_stores_nothing(connection: asyncpg.Connection) -> None:
    looked = await look(connection, ["a", "b"], [group(entry("a"))])
    assert looked is not None
    a, b = looked.counters["a"], looked.counters["b"]
    new = [Counter(a.id, 2, 0), Counter(b.id, 2, 0)]
    rows = [(each.id, 2, *EVENT[1:]) for each in new]
    assert not await store(connection, [(a.id, 1), (b.id, 0)], new, rows)
    assert await counters(connection) == [("a", 1), ("b", 1)]
    assert await store(connection, [(a.id, 1), (b.id, 1)], new, rows)
    assert await counters(connection) == [("a", 2), ("b", 2)]
    assert await connection.fetchval("SELECT count(*) FROM events") == 4


@on_postgresql
async def test_look_finds_known_pushes_and_newer_events(connection: asyncpg.Connection) -> None:
    asking = Group([entry("a", push_id="1")], lambda outcome: None, Checked("a", 0, own=0))
    looked = await look(connection, ["a"], [asking])
    assert looked is not None
    topic = looked.counters["a"]
    assert looked.known == {(topic.id, 1, "1"): receipt(1, fresh=False)}
    assert looked.own == {(topic.id, 1): 1}
    assert await look(connection, ["a", "new"], [asking]) is None


@on_postgresql
async def test_marks_and_snapshots_ride_along(database: AsyncEngine, connection: asyncpg.Connection) -> None:
    writer = writer_for(database)
    await writer.commit([group(entry("a"))], [Mark("a", 1, 1, 1_000)], [Snapshot("a", 1, b"state")])
    await writer.commit([group(entry("a", push_id="1"))], [Mark("a", 1, 2, 1_000)])
    await writer.close()
    assert await connection.fetchval("SELECT seq FROM reads") == 2
    assert await connection.fetchval("SELECT state FROM snapshots") == b"state"
    assert await counters(connection) == [("a", 2), ("b", 1)]


@on_postgresql
async def test_rules_and_known_pushes_hold_without_locks(database: AsyncEngine, connection: asyncpg.Connection) -> None:
    writer = writer_for(database)
    assert await writer.commit([group(entry("a", push_id="1"))]) == [[receipt(1, fresh=False)]]
    await writer.commit([group(entry("a", governs=True))])
    late = Group([entry("a", push_id="2")], lambda outcome: None, Checked("a", 1))
    assert await writer.commit([late]) == [Superseded(2, 0)]
    await writer.close()
    assert await counters(connection) == [("a", 2), ("b", 1)]


@on_postgresql
async def test_writers_of_one_topic_give_each_position_once(
    database: AsyncEngine, connection: asyncpg.Connection
) -> None:
    url = asyncpg_dsn(database.url)
    writers = [PostgresqlWriter(url) for _ in range(3)]

    async def write(writer: PostgresqlWriter) -> list[int]:
        stored = [await writer.commit([group(entry("a"), entry("b"))]) for _ in range(20)]
        await writer.close()
        return [receipts[0].seq for (receipts,) in stored if isinstance(receipts, list)]

    positions = await asyncio.gather(*map(write, writers))
    assert sorted(chain.from_iterable(positions)) == list(range(2, 62))
    assert await counters(connection) == [("a", 61), ("b", 61)]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Return the topics of each look from now on."""
    topics: list[Sequence[str]] = []

    async def noted(
        connection: asyncpg.Connection, names: Sequence[str], groups: Sequence[Group]
    ) -> postgresql_swap.Looked | None:
        topics.append(names)
        return await look(connection, names, groups)

    monkeypatch.setattr(postgresql_swap, "look", noted)
    return topics


@on_postgresql
async def test_only_writer_of_a_topic_looks_once(database: AsyncEngine, looks: list[Sequence[str]]) -> None:
    writer = writer_for(database)
    await writer.commit([group(entry("a")), group(entry("b"))])
    looks.clear()
    assert await writer.commit([group(entry("a"), entry("b")), group(entry("a"))]) == [
        [receipt(2), receipt(2)],
        [receipt(3)],
    ]
    assert await writer.commit([group(entry("b"))], [Mark("b", 1, 3, 1_000)]) == [[receipt(3)]]
    assert looks == []
    await writer.close()


@on_postgresql
async def test_writer_looks_where_another_one_wrote(database: AsyncEngine, looks: list[Sequence[str]]) -> None:
    writer, other = writer_for(database), writer_for(database)
    await writer.commit([group(entry("a"))])
    await other.commit([group(entry("a", governs=True))])
    looks.clear()
    late = Group([entry("a")], lambda outcome: None, Checked("a", 1))
    assert await writer.commit([late]) == [Superseded(2, 0)]
    assert await writer.commit([group(entry("a"))]) == [[receipt(3)]]
    assert looks == [["a"], ["a"]]
    await writer.close()
    await other.close()


@on_postgresql
async def test_push_that_is_sent_again_gets_its_receipt_also_without_a_look(
    database: AsyncEngine, looks: list[Sequence[str]]
) -> None:
    writer = writer_for(database)
    await writer.commit([group(entry("a", push_id="1"))])
    await writer.commit([group(entry("a", governs=True))])
    looks.clear()
    again = Group([entry("a", push_id="1")], lambda outcome: None, Checked("a", 0))
    assert await writer.commit([again]) == [[receipt(1, fresh=False)]]
    assert await writer.commit([group(entry("a", push_id="1")), group(entry("a"))]) == [
        [receipt(1, fresh=False)],
        [receipt(3)],
    ]
    assert looks == [["a"], ["a"]]
    await writer.close()


@on_postgresql
async def test_push_that_comes_twice_in_a_batch_is_stored_once_also_without_a_look(
    database: AsyncEngine, looks: list[Sequence[str]]
) -> None:
    writer = writer_for(database)
    await writer.commit([group(entry("a"))])
    looks.clear()
    assert await writer.commit([group(entry("a", push_id="2")), group(entry("a", push_id="2"))]) == [
        [receipt(2)],
        [receipt(2, fresh=False)],
    ]
    assert looks == []
    await writer.close()


@on_postgresql
async def test_writer_looks_after_it_has_written_under_locks(database: AsyncEngine, looks: list[Sequence[str]]) -> None:
    writer = writer_for(database)
    await writer.commit([group(entry("a"))])
    audited = entry("a")
    audited.audited = True
    await writer.commit([group(audited)])
    looks.clear()
    assert await writer.commit([group(entry("a"))]) == [[receipt(3)]]
    assert looks == [["a"]]
    await writer.close()


@on_postgresql
async def test_look_reads_few_rows_of_a_topic_that_has_grown_since_the_last_statistics(
    connection: asyncpg.Connection,
) -> None:
    asking = Group([entry("a", push_id="x" * 32)], lambda outcome: None, Checked("a", 0, own=3_000))
    await connection.execute("ANALYZE")
    await connection.execute(
        "INSERT INTO events (topic_id, seq, event, author_id, push_id, at, payload) "
        "SELECT id, n, 'message:sent', 1, 'p' || n, 1, '{}' FROM topics, generate_series(2, 3000) AS n"
    )

    async def rows_read() -> int:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        query = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'events'"
        read: int = await connection.fetchval(query)
        return read

    before = await rows_read()
    assert await look(connection, ["a"], [asking]) is not None
    assert await rows_read() - before < 10


def test_writer_that_loses_takes_locks_for_a_while() -> None:
    pace = Pace()
    assert pace.tries(0.0) == 1
    pace.lost()
    assert [pace.tries(1.0) for _ in range(LOCKED_BATCHES)] == [*[0] * (LOCKED_BATCHES - 1), 1]


def test_slow_line_avoids_locks() -> None:
    pace = Pace()
    pace.looked(SLOW_SECONDS * 2, 10.0)
    pace.lost()
    assert pace.tries(11.0) == SLOW_TRIES
    assert pace.tries(10.0 + SLOW_FOR_SECONDS) == 0


def test_only_rows_of_their_own_are_plain() -> None:
    timed, audited = entry(), entry()
    timed.timer, audited.audited = Timer(1_000, "announcement:send"), True
    assert [is_plain(each) for each in (entry(), timed, audited)] == [True, False, False]
