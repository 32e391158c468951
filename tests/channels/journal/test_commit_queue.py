"""The commit queue: when queued pushes are committed, and how they fail in an outage."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Code, JournalUnavailable, Refused
from channels.journal.commit_queue import MAX_BATCH_MARKS, MAX_QUEUED, MAX_WAIT_SECONDS
from channels.journal.entry import Entry, Group, Mark, Receipt, Snapshot, Spells, Stored, Writer
from channels.journal.group_commit import GroupCommit
from channels.journal.journal import Journal
from channels.journal.postgresql import PostgresqlWriter
from channels.journal.sqlite import SqliteWriter
from channels.wire.codec import Event
from tests.channels.journal.support import (
    Outcome,
    Recorder,
    append,
    entry,
    started,
    until_has,
)
from tests.channels.support import writer_for


async def test_outage_logs_one_line_at_its_start_and_end(
    database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    class Sometimes:
        away = True

        async def commit(
            self,
            groups: Sequence[Group],
            marks: Sequence[Mark] = (),
            snapshots: Sequence[Snapshot] = (),
            spells: Spells | None = None,
        ) -> list[Stored]:
            if self.away:
                raise JournalUnavailable("no route to host")
            return [[Receipt(1, 1)] for _ in groups]

        async def close(self) -> None:
            pass

    writer = Sometimes()
    journal = started(database, writer)
    await append(journal, entry())
    await append(journal, entry())
    writer.away = False
    await append(journal, entry())
    await append(journal, entry())
    assert [record.message for record in caplog.records if record.name == "channels.journal.availability"] == [
        "The journal cannot be written: no route to host",
        "The journal can be written again",
    ]
    await journal.close()


class Away:
    """A real writer with an unreachable database; counts the attempts to commit."""

    def __init__(self, writer: Writer) -> None:
        self.tries = 0
        self._writer = writer

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        self.tries += 1
        return await self._writer.commit(groups, marks, snapshots, spells)

    async def close(self) -> None:
        await self._writer.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def away(request: pytest.FixtureRequest, tmp_path: Path) -> Away:
    if request.param == "sqlite":
        return Away(SqliteWriter(f"{tmp_path}/no/such/folder"))
    return Away(PostgresqlWriter("postgresql://127.0.0.1:1/none"))


# These tests only write, so one database engine for reads is enough.
ONLY_SQLITE = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


@ONLY_SQLITE
async def test_read_mark_in_an_outage_neither_spins_nor_blocks_close(database: AsyncEngine, away: Away) -> None:
    journal = started(database, away)
    journal.mark_read(Mark("class:7", 1, 1, 1))
    await asyncio.sleep(0.5)
    assert 1 <= away.tries < 10
    async with asyncio.timeout(10):
        await journal.close()


@ONLY_SQLITE
async def test_pushes_in_an_outage_do_not_spin(database: AsyncEngine, away: Away) -> None:
    journal = started(database, away)
    loop = asyncio.get_running_loop()
    until, pushes = loop.time() + 0.5, 0
    while loop.time() < until:
        journal.append([entry()], lambda outcome: None)
        pushes += 1
        await asyncio.sleep(0.001)
    assert away.tries < min(10, pushes)
    async with asyncio.timeout(10):
        await journal.close()


@ONLY_SQLITE
async def test_close_in_an_outage_refuses_queued_pushes(database: AsyncEngine, away: Away) -> None:
    journal = started(database, away)
    outcomes: list[Outcome] = []
    journal.mark_read(Mark("class:7", 1, 1, 1))
    for _ in range(1_000):
        journal.append([entry()], outcomes.append)
    async with asyncio.timeout(10):
        await journal.close()
    assert len(outcomes) == 1_000
    assert all(isinstance(outcome, Refused) for outcome in outcomes)


@ONLY_SQLITE
async def test_close_with_a_hanging_database_refuses_queued_pushes(database: AsyncEngine) -> None:
    journal = Journal(database, StuckWriter(), close_seconds=0.1)
    listener = Recorder()
    journal.start(listener)
    outcomes: list[Outcome] = []
    journal.append([entry("tried")], outcomes.append)
    await asyncio.sleep(0.01)
    journal.append([entry("waiting")], outcomes.append)
    async with asyncio.timeout(10):
        await journal.close()
    assert [isinstance(outcome, Refused) for outcome in outcomes] == [True, True]
    assert listener.doubted == [{"tried"}]


@ONLY_SQLITE
async def test_push_queued_behind_a_failed_transaction_fails_with_it(database: AsyncEngine) -> None:
    class Slow(CountingWriter):
        async def commit(
            self,
            groups: Sequence[Group],
            marks: Sequence[Mark] = (),
            snapshots: Sequence[Snapshot] = (),
            spells: Spells | None = None,
        ) -> list[Stored]:
            await super().commit(groups, marks, snapshots, spells)
            await failing.wait()
            raise JournalUnavailable("it does not answer")

    failing = asyncio.Event()
    writer = Slow()
    journal = started(database, writer)
    outcomes: list[Outcome] = []
    journal.append([entry()], outcomes.append)
    await asyncio.sleep(0.01)
    journal.append([entry()], outcomes.append)
    await asyncio.sleep(2 * MAX_WAIT_SECONDS)
    failing.set()
    await until_has(outcomes, 2)
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert writer.sizes == [1]
    await journal.close()


async def test_close_commits_queued_pushes_and_refuses_new_ones(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database))
    outcomes: list[Outcome] = []
    for _ in range(5):
        journal.append([entry()], outcomes.append)
    await journal.close()
    assert len(outcomes) == 5
    with pytest.raises(Refused):
        journal.append([entry()], outcomes.append)


class CountingWriter:
    """Records the number of groups and of marks in each commit, and returns at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.marks: list[int] = []

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        self.sizes.append(len(groups))
        self.marks.append(len(marks))
        await asyncio.sleep(0)
        return [[Receipt(number, 1)] for number in range(1, len(groups) + 1)]

    async def close(self) -> None:
        pass


async def test_consecutive_pushes_are_committed_without_delay(database: AsyncEngine) -> None:
    writer = CountingWriter()
    journal = started(database, writer)
    for _ in range(3):
        await append(journal, entry())
    assert writer.sizes == [1, 1, 1]
    await journal.close()


async def test_message_waits_for_a_part_of_many_marks_only(database: AsyncEngine) -> None:
    writer = CountingWriter()
    journal = started(database, writer)
    for user_id in range(3 * MAX_BATCH_MARKS):
        journal.mark_read(Mark("school", user_id, 1, 1))
    await asyncio.sleep(0)  # the first part is under way
    await append(journal, entry())
    await journal.close()
    assert writer.sizes == [0, 1, 0]
    assert writer.marks == [MAX_BATCH_MARKS] * 3


class SlowRecorder(Recorder):
    """A listener whose events take long to send, at the end of the turn as those of clients."""

    def committed(self, batch: Sequence[tuple[Entry, Event]], queued_at: float) -> None:
        super().committed(batch, queued_at)
        asyncio.get_running_loop().call_soon(time.sleep, 0.6)


async def _sizes_of_a_stream(database: AsyncEngine, listener: Recorder, group_commit: GroupCommit) -> list[int]:
    """Append two entries at once, then five in a row; return how many each transaction stored."""
    writer = CountingWriter()
    journal = Journal(database, writer, group_commit=group_commit)
    journal.start(listener)
    await append(journal, entry(), entry())
    told: list[Outcome] = []
    for _ in range(5):
        journal.append([entry()], told.append)
        await asyncio.sleep(0.005)
    async with asyncio.timeout(10):
        while len(told) < 5:
            await asyncio.sleep(0.001)
    await journal.close()
    return writer.sizes


@pytest.mark.parametrize(("delay", "quiet", "longest"), [(0.1, 0, 0.1), (0.001, 0.5, 3_600), (0.001, 3_600, 0.5)])
async def test_transaction_waits_a_bounded_time_for_more_pushes(
    database: AsyncEngine, delay: float, quiet: float, longest: float
) -> None:
    group_commit = GroupCommit(collect_seconds=delay, quiet_seconds=quiet, max_collect_seconds=longest)
    assert await _sizes_of_a_stream(database, SlowRecorder(), group_commit) == [2, 5]


async def test_transaction_waits_no_longer_than_the_last_delivery_took(database: AsyncEngine) -> None:
    group_commit = GroupCommit(collect_seconds=3_600, quiet_seconds=3_600, max_collect_seconds=3_600)
    assert len(await _sizes_of_a_stream(database, Recorder(), group_commit)) > 2


class StuckWriter:
    """A writer whose database never answers."""

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        pass


async def test_queue_for_a_hanging_database_is_bounded(database: AsyncEngine) -> None:
    journal = started(database, StuckWriter(), close_seconds=0.0)
    journal.append([entry()], lambda outcome: None)
    await asyncio.sleep(0)
    for _ in range(MAX_QUEUED):
        journal.append([entry()], lambda outcome: None)
    with pytest.raises(Refused) as refused:
        journal.append([entry()], lambda outcome: None)
    assert refused.value.code is Code.OVERLOADED
    await journal.close()


async def test_queue_is_also_bounded_in_bytes(database: AsyncEngine) -> None:
    journal = started(database, StuckWriter(), close_seconds=0.0)
    big = entry(text="x" * 1024 * 1024)
    journal.append([big], lambda outcome: None)
    await asyncio.sleep(0)
    for _ in range(32):
        journal.append([big], lambda outcome: None)
    with pytest.raises(Refused):
        journal.append([big], lambda outcome: None)
    await journal.close()
