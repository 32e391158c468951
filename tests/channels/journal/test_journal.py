"""The journal's contract, on SQLite and PostgreSQL."""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Code, JournalUnavailable, Refused
from channels.journal import postgresql as journal_postgresql
from channels.journal.commit_queue import MAX_QUEUED
from channels.journal.entry import Checked, Entry, Group, Mark, Receipt, Snapshot, Stored, Superseded, Writer
from channels.journal.journal import Journal
from channels.journal.postgresql import PostgresqlWriter
from channels.journal.sqlite import SqliteWriter
from channels.journal.tables import events_table, reads_table
from channels.wire.codec import Event
from server.databases import Databases
from server.databases.engine import asyncpg_dsn
from tests.channels.support import writer_for


def entry(topic: str = "class:7", author: int = 1, push_id: str | None = None, text: str = "x") -> Entry:
    return Entry(topic, "message:sent", b'{"text":"%b"}' % text.encode(), author, push_id, 1_000)


def groups(*entries: Entry) -> list[Group]:
    return [Group([each], lambda outcome: None) for each in entries]


def receipts_of(stored: Sequence[Stored]) -> list[Receipt]:
    assert all(isinstance(each, list) for each in stored)
    return [each[0] for each in stored if isinstance(each, list)]


class Committed:
    """Keeps what a journal reports."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def committed(self, batch: Sequence[tuple[Entry, Event]]) -> None:
        self.told += [event for _, event in batch]

    def in_doubt(self, topics: set[str]) -> None:
        pass

    def already_stored(self, topic: str, seq: int) -> None:
        pass


def journal_with(database: AsyncEngine, writer: Writer, **options: float) -> Journal:
    journal = Journal(database, writer, **options)
    journal.start(Committed())
    return journal


async def append(journal: Journal, *entries: Entry) -> list[Receipt | Superseded | Refused]:
    outcomes: list[Receipt | Superseded | Refused] = []
    for each in entries:
        journal.append([each], outcomes.append)
    async with asyncio.timeout(10):
        while len(outcomes) < len(entries):
            await asyncio.sleep(0.001)
    return outcomes


async def marked(journal: Journal, *marks: Mark) -> None:
    for mark in marks:
        journal.mark_read(mark)
    async with asyncio.timeout(10):
        while journal._commits._committing is not None:
            await asyncio.sleep(0.001)


async def test_each_topic_counts_for_itself_from_one(journal: Journal) -> None:
    receipts = await append(journal, entry("a"), entry("b"), entry("a"), entry("a"), entry("b"))
    assert receipts == [Receipt(1, 1000), Receipt(1, 1000), Receipt(2, 1000), Receipt(3, 1000), Receipt(2, 1000)]
    assert await journal.heads(["a", "b", "c"]) == {"a": 3, "b": 2}
    assert await journal.heads(["c"]) == {}


async def test_an_event_is_read_as_it_is_broadcast(journal: Journal) -> None:
    await append(journal, entry(text="ção"))
    assert await journal.after("class:7", 0, 10) == [
        Event(1, "message:sent", '{"text":"ção","seq":1,"at":1000}'.encode())
    ]


async def test_events_are_told_in_order_before_those_who_sent_them_are_answered(journal: Journal) -> None:
    listener = Committed()
    told = listener.told
    journal.start(listener)
    for _ in range(20):
        journal.append([entry()], told.append)
    async with asyncio.timeout(10):
        while len(told) < 40:
            await asyncio.sleep(0.001)
    for number in range(1, 21):
        (event,) = [each for each in told if isinstance(each, Event) and each.seq == number]
        assert told.index(event) < told.index(Receipt(number, 1000))
    assert [each.seq for each in told if isinstance(each, Event)] == list(range(1, 21))


async def test_the_same_author_topic_and_push_id_count_once_within_a_batch_and_later(journal: Journal) -> None:
    listener = Committed()
    journal.start(listener)
    same = [entry(push_id="p"), entry(push_id="p", text="again"), entry(push_id="q"), entry(push_id="p", author=2)]
    receipts = await append(journal, *same, entry("other", push_id="p"))
    later = await append(journal, entry(push_id="p"))
    assert [receipt.seq for receipt in receipts if isinstance(receipt, Receipt)] == [1, 1, 2, 3, 1]
    assert later == [Receipt(1, 1000, fresh=False)]
    assert len(listener.told) == 4


async def test_pages_are_read_from_either_side_and_by_kind(journal: Journal) -> None:
    await append(journal, *(entry() for _ in range(6)))
    await append(journal, Entry("class:7", "announcement:sent", b"{}", 1, None, 5))
    assert [event.seq for event in await journal.after("class:7", 2, 3)] == [3, 4, 5]
    assert [event.seq for event in await journal.before("class:7", 5, 3)] == [2, 3, 4]
    assert [event.seq for event in await journal.before("class:7", None, 2)] == [6, 7]
    assert [event.seq for event in await journal.before("class:7", None, 9, ["announcement:sent"])] == [7]
    assert await journal.after("class:8", 0, 9) == []


async def test_marks_go_forward_no_further_than_the_head_and_wait_for_no_event(journal: Journal) -> None:
    await append(journal, *(entry() for _ in range(5)))
    await marked(journal, Mark("class:7", 1, 3, 10), Mark("class:7", 1, 2, 11), Mark("class:7", 2, 99, 12))
    await marked(journal, Mark("class:7", 1, 1, 13), Mark("unknown", 1, 1, 13))
    assert await journal.marks("class:7") == {1: 3, 2: 5}
    assert await journal.marks("class:8") == {}
    assert await journal.readers("class:7", 3) == [1, 2]
    assert await journal.readers("class:7", 4) == [2]


async def test_two_writers_at_once_leave_no_gap_and_no_repeat(database: AsyncEngine) -> None:
    journals = [journal_with(database, writer_for(database)) for _ in range(2)]
    topics = [f"t{number}" for number in range(5)]

    async def write(journal: Journal, author: int) -> list[Receipt | Superseded | Refused]:
        # The two take the topics in opposite orders, which would deadlock were the counters not locked by name.
        order = topics if author else topics[::-1]
        outcomes = []
        for number in range(20):
            outcomes += await append(journal, *(entry(topic, author, f"{number}") for topic in order))
        return outcomes

    outcomes = await asyncio.gather(write(journals[0], 0), write(journals[1], 1))
    assert all(isinstance(outcome, Receipt) and outcome.fresh for half in outcomes for outcome in half)
    for topic in topics:
        assert [event.seq for event in await journals[0].after(topic, 0, 100)] == list(range(1, 41))
    for journal in journals:
        await journal.close()


async def test_two_workers_whose_marks_cross_their_events_do_not_wait_in_a_circle(database: AsyncEngine) -> None:
    writers = [writer_for(database), writer_for(database)]
    await writers[0].commit(groups(entry("a"), entry("b")), [])

    async def write(writer: Writer, says: str, reads: str, user: int) -> None:
        for number in range(2, 62):
            await writer.commit(groups(entry(says, user)), [Mark(reads, user, number, 1)])

    await asyncio.gather(write(writers[0], "a", "b", 1), write(writers[1], "b", "a", 2))
    for writer in writers:
        await writer.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_a_batch_that_a_stranger_has_locked_out_is_tried_again(database: AsyncEngine) -> None:
    writer = writer_for(database)
    await writer.commit(groups(entry("a"), entry("b")), [])
    lock = "SELECT 1 FROM topics WHERE name = '{}' FOR UPDATE"
    async with database.begin() as stranger:  # who takes the counters in the wrong order
        await stranger.exec_driver_sql(lock.format("b"))
        commit = asyncio.create_task(writer.commit(groups(entry("a"), entry("b")), []))
        async with asyncio.timeout(10), database.connect() as onlooker:
            while not await onlooker.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                await asyncio.sleep(0.01)
        await stranger.exec_driver_sql(lock.format("a"))  # a circle: PostgreSQL ends the one who has waited for longer
    assert receipts_of(await commit) == [Receipt(2, 1000), Receipt(2, 1000)]
    await writer.close()


async def test_marks_that_were_answered_go_with_the_next_transaction_when_theirs_fails(database: AsyncEngine) -> None:
    journal = journal_with(database, writer_for(database))
    await append(journal, entry(), entry())
    journal.mark_read(Mark("class:7", 1, 2, 1))
    await append(journal, Entry("class:7", "e", b"\xff", 1, None, 1))  # takes the mark's transaction with it
    await append(journal, entry())
    assert await journal.marks("class:7") == {1: 2}
    await journal.close()


async def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_ends(
    database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    class Away:
        away = True

        async def commit(
            self, groups: Sequence[Group], marks: Sequence[Mark] = (), snapshots: Sequence[Snapshot] = ()
        ) -> list[Stored]:
            if self.away:
                raise JournalUnavailable("no route to host")
            return [[Receipt(1, 1)] for _ in groups]

        async def close(self) -> None:
            pass

    writer = Away()
    journal = journal_with(database, writer)
    await append(journal, entry())
    await append(journal, entry())
    writer.away = False
    await append(journal, entry())
    await append(journal, entry())
    assert [record.message for record in caplog.records if record.name.startswith("channels.journal.")] == [
        "The journal cannot be written: no route to host",
        "The journal can be written again",
    ]
    await journal.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_a_reading_that_takes_too_long_fails_and_leaves_no_answer_behind(
    database: AsyncEngine,
) -> None:
    journal = journal_with(database, writer_for(database), read_seconds=0.2)
    await append(journal, entry())
    async with database.begin() as connection:
        await connection.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(JournalUnavailable):
            await journal.after("class:7", 0, 10)
    for _ in range(12):  # more than the pool has
        assert [event.seq for event in await journal.after("class:7", 0, 10)] == [1]
    await journal.close()


async def test_a_batch_that_fails_leaves_nothing_behind_and_the_next_one_goes_on(database: AsyncEngine) -> None:
    writer = writer_for(database)
    good, bad = entry(), Entry("class:7", "x" * 10, b"\xff", 1, None, 1)  # not UTF-8: the driver refuses
    with pytest.raises(UnicodeDecodeError):
        await writer.commit(groups(good, bad), [])
    assert receipts_of(await writer.commit(groups(good), [])) == [Receipt(1, 1000)]
    await writer.close()


async def test_a_failed_batch_is_answered_unavailable(database: AsyncEngine, caplog: pytest.LogCaptureFixture) -> None:
    journal = journal_with(database, writer_for(database))
    (outcome,) = await append(journal, Entry("class:7", "e", b"\xff", 1, None, 1))
    assert isinstance(outcome, Refused)
    assert outcome.code is Code.UNAVAILABLE
    assert "could not be committed" in caplog.text
    await journal.close()


async def test_closing_commits_what_is_gathered_and_takes_no_more(database: AsyncEngine) -> None:
    journal = journal_with(database, writer_for(database))
    outcomes: list[Receipt | Superseded | Refused] = []
    for _ in range(5):
        journal.append([entry()], outcomes.append)
    await journal.close()
    assert len(outcomes) == 5
    with pytest.raises(Refused):
        journal.append([entry()], outcomes.append)


class CountingWriter:
    """Notes how much each commit has, and answers at once."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def commit(
        self, groups: Sequence[Group], marks: Sequence[Mark] = (), snapshots: Sequence[Snapshot] = ()
    ) -> list[Stored]:
        self.sizes.append(len(groups))
        await asyncio.sleep(0)
        return [[Receipt(number, 1)] for number in range(1, len(groups) + 1)]

    async def close(self) -> None:
        pass


async def test_pushes_that_come_one_after_the_other_are_committed_at_once(database: AsyncEngine) -> None:
    writer = CountingWriter()
    journal = journal_with(database, writer)
    for _ in range(3):
        await append(journal, entry())
    assert writer.sizes == [1, 1, 1]
    await journal.close()


@pytest.mark.parametrize(("gather", "quiet", "longest"), [(0.1, 0, 0), (0.001, 0.5, 3_600), (0.001, 3_600, 0.5)])
async def test_while_pushes_come_a_transaction_waits_for_more_of_them_but_not_for_long(
    database: AsyncEngine, gather: float, quiet: float, longest: float
) -> None:
    writer = CountingWriter()
    journal = journal_with(
        database,
        writer,
        commit_delay_seconds=gather,
        quiet_seconds=quiet,
        max_commit_delay_seconds=longest,
    )
    await append(journal, entry(), entry())
    told: list[Receipt | Superseded | Refused] = []
    for _ in range(5):
        journal.append([entry()], told.append)
        await asyncio.sleep(0.005)
    async with asyncio.timeout(10):
        while len(told) < 5:
            await asyncio.sleep(0.001)
    assert writer.sizes == [2, 5]
    await journal.close()


class StuckWriter:
    """A database that never answers."""

    async def commit(
        self, groups: Sequence[Group], marks: Sequence[Mark] = (), snapshots: Sequence[Snapshot] = ()
    ) -> list[Stored]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        pass


async def test_what_waits_for_a_database_that_hangs_is_bounded(database: AsyncEngine) -> None:
    journal = journal_with(database, StuckWriter())
    journal.append([entry()], lambda outcome: None)
    await asyncio.sleep(0)
    for _ in range(MAX_QUEUED):
        journal.append([entry()], lambda outcome: None)
    with pytest.raises(Refused) as refused:
        journal.append([entry()], lambda outcome: None)
    assert refused.value.code is Code.OVERLOADED
    assert journal._commits._committing is not None
    journal._commits._committing.cancel()


async def test_what_waits_is_bounded_in_bytes_too(database: AsyncEngine) -> None:
    journal = journal_with(database, StuckWriter())
    big = entry(text="x" * 1024 * 1024)
    journal.append([big], lambda outcome: None)
    await asyncio.sleep(0)
    for _ in range(32):
        journal.append([big], lambda outcome: None)
    with pytest.raises(Refused):
        journal.append([big], lambda outcome: None)
    assert journal._commits._committing is not None
    journal._commits._committing.cancel()


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: object) -> None:
    for writer in (SqliteWriter(f"{tmp_path}/no/such/folder"), PostgresqlWriter("postgresql://127.0.0.1:1/none")):
        with pytest.raises(JournalUnavailable):
            await writer.commit(groups(entry()), [])
        await writer.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_a_database_that_freezes_in_the_middle_of_a_transaction_is_unavailable_in_time(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_postgresql, "COMMIT_SECONDS", 0.3)
    writer = PostgresqlWriter(asyncpg_dsn(database.url))
    await writer.commit(groups(entry(push_id="1")), [])
    assert writer._connection is not None
    pid = writer._connection.get_server_pid()
    known = journal_postgresql._known

    async def freeze_and_look(*given: Any) -> Any:
        os.kill(pid, signal.SIGSTOP)
        return await known(*given)

    with monkeypatch.context() as patched:
        patched.setattr(journal_postgresql, "_known", freeze_and_look)
        async with asyncio.timeout(5):
            with pytest.raises(JournalUnavailable):
                await writer.commit(groups(entry(push_id="2")), [])
    os.kill(pid, signal.SIGCONT)
    monkeypatch.undo()
    assert [receipt.seq for receipt in receipts_of(await writer.commit(groups(entry(push_id="2")), []))] == [2]
    await writer.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_a_worker_that_hangs_in_the_middle_of_a_transaction_holds_its_topics_only_for_a_while(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_postgresql, "MAX_IDLE_MS", 300)
    hanging, other = [PostgresqlWriter(asyncpg_dsn(database.url)) for _ in range(2)]
    locked = asyncio.Event()

    async def hang(*given: object) -> None:
        locked.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(journal_postgresql, "_mark", hang)
        lost = asyncio.create_task(hanging.commit(groups(entry()), []))
        await locked.wait()
    assert [receipt.seq for receipt in receipts_of(await other.commit(groups(entry()), []))] == [1]
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)
    await other.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_a_hosters_url_of_postgresql_is_written_to_as_it_is_read_from(made_urls: dict[str, str]) -> None:
    databases = Databases({name: f"{url}?sslmode=prefer" for name, url in made_urls.items()})
    database = databases.engine("journal")
    journal = journal_with(database, writer_for(database))
    assert await append(journal, entry()) == [Receipt(1, 1000)]
    assert len(await journal.after("class:7", 0, 1)) == 1
    await journal.close()
    await databases.dispose()


async def test_the_epoch_is_the_journals_own(journal: Journal) -> None:
    assert len(journal.epoch) == 16


async def test_what_is_written_is_plain_to_read_in_the_database(journal: Journal, database: AsyncEngine) -> None:
    await append(journal, entry(push_id="p"))
    async with database.connect() as connection:
        (row,) = (await connection.execute(select(events_table))).all()
        assert (row.seq, row.event, row.author_id, row.push_id, row.at) == (1, "message:sent", 1, "p", 1000)
        assert row.payload == '{"text":"x"}'
        assert (await connection.execute(select(reads_table))).all() == []


async def test_append_checked_against_an_older_governing_event_is_superseded(journal: Journal) -> None:
    outcomes: list[Receipt | Superseded | Refused] = []
    lock = Entry("class:7", "locked", b"{}", 2, None, 1_000, governs=True)
    journal.append([entry()], outcomes.append, Checked("class:7", 0))
    journal.append([lock], outcomes.append, Checked("class:7", 0))
    journal.append([entry()], outcomes.append, Checked("class:7", 0))  # in the same batch as the lock, or later
    journal.append([entry("class:8")], outcomes.append, Checked("class:8", 0))
    journal.append([entry("user:1")], outcomes.append, Checked("class:7", 0))  # bound by another topic's rules
    journal.append([entry()], outcomes.append, Checked("class:7", 2))
    async with asyncio.timeout(10):
        while len(outcomes) < 6:
            await asyncio.sleep(0.001)
    assert outcomes == [
        Receipt(1, 1000),
        Receipt(2, 1000),
        Superseded(2),
        Receipt(1, 1000),
        Superseded(2),
        Receipt(3, 1000),
    ]
    assert await journal.heads(["user:1"]) in ({}, {"user:1": 0})


async def test_group_is_stored_whole_and_a_retry_repeats_none_of_it(journal: Journal) -> None:
    outcomes: list[Receipt | Superseded | Refused] = []
    for _ in range(2):
        journal.append([entry(push_id="p"), entry("user:1"), entry()], outcomes.append, Checked("class:7", 0))
    lock = Entry("class:7", "locked", b"{}", 2, None, 1_000, governs=True)
    journal.append([lock], outcomes.append)
    journal.append([entry(push_id="p"), entry("user:1"), entry()], outcomes.append, Checked("class:7", 0))
    async with asyncio.timeout(10):
        while len(outcomes) < 4:
            await asyncio.sleep(0.001)
    again = Receipt(1, 1000, fresh=False)
    assert outcomes == [Receipt(1, 1000), again, Receipt(3, 1000), again]
    assert await journal.heads(["class:7", "user:1"]) == {"class:7": 3, "user:1": 1}
    assert await journal.receipt("class:7", 1, "p") == again
    assert await journal.receipt("class:7", 2, "p") is None


async def test_furthest_snapshot_is_kept(journal: Journal) -> None:
    assert await journal.snapshot("class:7") is None
    await append(journal, *(entry() for _ in range(5)))
    for seq, state in ((3, b"three"), (5, b"five"), (4, b"four")):
        journal.keep_snapshot(Snapshot("class:7", seq, state))
        await append(journal, entry())
    assert await journal.snapshot("class:7") == Snapshot("class:7", 5, b"five")
