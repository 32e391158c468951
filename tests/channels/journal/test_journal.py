"""The journal's contract, on SQLite and PostgreSQL."""

import asyncio
import os
import signal
from collections.abc import Sequence

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Code, JournalUnavailable, Refused
from channels.journal.entry import Checked, Entry, Mark, Receipt, Snapshot, Superseded, Writer
from channels.journal.journal import Journal
from channels.journal.postgresql import PostgresqlWriter
from channels.journal.sqlite import SqliteWriter
from channels.journal.tables import events_table, reads_table
from channels.wire.codec import Event
from tests.channels.journal.support import (
    Outcome,
    Recorder,
    append,
    append_group,
    entry,
    group,
    mark_read,
    receipt,
    started,
    until_has,
    until_idle,
)
from tests.channels.support import writer_for


async def test_each_topic_counts_for_itself_from_one(journal: Journal) -> None:
    receipts = await append(journal, entry("a"), entry("b"), entry("a"), entry("a"), entry("b"))
    assert receipts == [receipt(1), receipt(1), receipt(2), receipt(3), receipt(2)]
    assert await journal.heads(["a", "b", "c"]) == {"a": 3, "b": 2}
    assert await journal.heads(["c"]) == {}


async def test_an_event_is_read_as_it_is_broadcast(journal: Journal) -> None:
    await append(journal, entry(text="ção"))
    assert await journal.after("class:7", 0, 10) == [
        Event(1, "message:sent", '{"text":"ção","seq":1,"at":1000}'.encode())
    ]


async def test_events_are_told_in_order_before_those_who_sent_them_are_answered(journal: Journal) -> None:
    told: list[object] = []

    class Teller(Recorder):
        def committed(self, batch: Sequence[tuple[Entry, Event]]) -> None:
            told.extend(event.seq for _, event in batch)

    journal.start(Teller())
    for _ in range(20):
        journal.append([entry()], told.append)
    async with asyncio.timeout(10):
        while len(told) < 40:
            await asyncio.sleep(0.001)
    for number in range(1, 21):
        assert told.index(number) < told.index(receipt(number))
    assert [each for each in told if isinstance(each, int)] == list(range(1, 21))


async def test_the_same_author_topic_and_push_id_count_once_within_a_batch_and_later(journal: Journal) -> None:
    listener = Recorder()
    journal.start(listener)
    same = [entry(push_id="p"), entry(push_id="p", text="again"), entry(push_id="q"), entry(push_id="p", author=2)]
    receipts = await append(journal, *same, entry("other", push_id="p"))
    later = await append(journal, entry(push_id="p"))
    assert [each.seq for each in receipts if isinstance(each, Receipt)] == [1, 1, 2, 3, 1]
    assert later == [receipt(1, fresh=False)]
    assert len(listener.events) == 4
    assert listener.stored_before == [("class:7", 1), ("class:7", 1)]


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
    await mark_read(journal, Mark("class:7", 1, 3, 10), Mark("class:7", 1, 2, 11), Mark("class:7", 2, 99, 12))
    await mark_read(journal, Mark("class:7", 1, 1, 13), Mark("unknown", 1, 1, 13))
    assert await journal.marks("class:7") == {1: 3, 2: 5}
    assert await journal.marks("class:8") == {}
    assert await journal.readers("class:7", 3) == [1, 2]
    assert await journal.readers("class:7", 4) == [2]


async def test_two_writers_at_once_leave_no_gap_and_no_repeat(database: AsyncEngine) -> None:
    journals = [started(database, writer_for(database)) for _ in range(2)]
    topics = [f"t{number}" for number in range(5)]

    async def write(journal: Journal, author: int) -> list[Outcome]:
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
    await writers[0].commit([group(entry("a")), group(entry("b"))])

    async def write(writer: Writer, says: str, reads: str, user: int) -> None:
        for number in range(2, 62):
            await writer.commit([group(entry(says, user))], [Mark(reads, user, number, 1)])

    await asyncio.gather(write(writers[0], "a", "b", 1), write(writers[1], "b", "a", 2))
    for writer in writers:
        await writer.close()


async def test_read_marks_are_stored_beside_an_event_that_is_refused(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database))
    await append(journal, entry(), entry())
    journal.mark_read(Mark("class:7", 1, 2, 1))
    await append(journal, Entry("class:7", "e", b"\xff", 1, None, 1))
    await until_idle(journal)
    assert await journal.marks("class:7") == {1: 2}
    await journal.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_a_reading_that_takes_too_long_fails_and_leaves_no_answer_behind(
    database: AsyncEngine,
) -> None:
    journal = started(database, writer_for(database), read_seconds=0.2)
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
        await writer.commit([group(good), group(bad)])
    assert await writer.commit([group(good)]) == [[receipt(1)]]
    await writer.close()


BAD = {
    "payload": Entry("class:7", "e", b"\xff", 1, None, 1),
    "surrogate": entry(push_id="\ud800"),
    "number": entry(author=2**70),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_an_entry_that_the_database_refuses_costs_no_other(
    database: AsyncEngine, bad: Entry, caplog: pytest.LogCaptureFixture
) -> None:
    journal = started(database, writer_for(database))
    outcomes = await append(journal, *(entry() for _ in range(40)), bad, *(entry() for _ in range(20)))
    refused = outcomes.pop(40)
    assert isinstance(refused, Refused)
    assert refused.code is Code.INTERNAL
    assert outcomes == [receipt(seq) for seq in range(1, 61)]
    assert caplog.text.count("could not be stored") == 1
    await journal.close()


async def test_a_read_mark_that_the_database_refuses_costs_no_other(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database))
    await append(journal, entry())
    journal.keep_snapshot(Snapshot("class:7", 1, b"state"))
    await mark_read(journal, Mark("class:7", 1, 1, 1), Mark("class:7", 2**70, 1, 1), Mark("class:7", 2, 1, 1))
    assert await journal.marks("class:7") == {1: 1, 2: 1}
    assert await journal.snapshot("class:7") == Snapshot("class:7", 1, b"state")
    await journal.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_a_read_fails_in_time_before_its_frozen_connection_is_given_up(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database), read_seconds=0.2)
    async with database.connect() as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(JournalUnavailable):
            await journal.heads(["class:7"])
        (giving_up,) = journal._reads
        assert not giving_up.done()
    finally:
        os.kill(pid, signal.SIGCONT)
    await asyncio.gather(giving_up, return_exceptions=True)
    assert await journal.heads(["class:7"]) == {}
    await journal.close()


@pytest.mark.parametrize("made_urls", ["postgresql"], indirect=True)
async def test_many_reads_of_a_database_that_hangs_fail_in_time(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database), read_seconds=0.3)
    await append(journal, entry())
    async with database.begin() as connection:
        await connection.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(8):
            reads = [journal.after("class:7", 0, 10) for _ in range(1_000)]
            failures = await asyncio.gather(*reads, return_exceptions=True)
    assert all(isinstance(failure, JournalUnavailable) for failure in failures)
    assert len(await journal.after("class:7", 0, 10)) == 1
    await journal.close()


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: object) -> None:
    for writer in (SqliteWriter(f"{tmp_path}/no/such/folder"), PostgresqlWriter("postgresql://127.0.0.1:1/none")):
        with pytest.raises(JournalUnavailable):
            await writer.commit([group(entry())])
        await writer.close()


async def test_the_epoch_is_the_journals_own(journal: Journal) -> None:
    assert len(journal.epoch) == 16


async def test_what_is_written_is_plain_to_read_in_the_database(journal: Journal, database: AsyncEngine) -> None:
    await append(journal, entry(push_id="p"))
    async with database.connect() as connection:
        (row,) = (await connection.execute(select(events_table))).all()
        assert (row.seq, row.event, row.author_id, row.push_id, row.at) == (1, "message:sent", 1, "p", 1000)
        assert row.payload == '{"text":"x"}'
        assert (await connection.execute(select(reads_table))).all() == []


async def test_a_group_is_stored_in_one_transaction_over_several_topics(journal: Journal) -> None:
    listener = Recorder()
    journal.start(listener)
    await append(journal, entry("b"))
    outcome = await append_group(journal, entry("a", push_id="p"), entry("b"), entry("b"), entry("a"))
    assert outcome == receipt(1)
    assert [event.seq for event in listener.events] == [1, 1, 2, 3, 2]
    assert await journal.heads(["a", "b"]) == {"a": 2, "b": 3}


async def test_a_group_sent_again_stores_nothing_and_is_found_by_its_push(journal: Journal) -> None:
    for fresh in (True, False):
        outcome = await append_group(journal, entry("a", push_id="p"), entry("b"), checked=0)
        assert outcome == receipt(1, fresh=fresh)
    assert await journal.heads(["a", "b"]) == {"a": 1, "b": 1}
    assert await journal.receipt("a", 1, "p") == receipt(1, fresh=False)
    assert await journal.receipt("a", 2, "p") is None


async def test_a_governing_event_supersedes_what_was_checked_before_it(journal: Journal) -> None:
    assert await append_group(journal, entry(push_id="1"), checked=0) == receipt(1)
    assert await append_group(journal, entry(governs=True), checked=0) == receipt(2)
    assert await append_group(journal, entry(push_id="2"), entry("other"), checked=1) == Superseded(2)
    assert await journal.heads(["class:7", "other"]) == {"class:7": 2}
    assert await append_group(journal, entry(push_id="1"), checked=0) == receipt(1, fresh=False)
    assert await append_group(journal, entry(), checked=2) == receipt(3)
    assert await append_group(journal, entry()) == receipt(4)


async def test_a_governing_event_supersedes_later_groups_of_its_batch(journal: Journal) -> None:
    outcomes: list[Outcome] = []
    checked = Checked("class:7", 0)
    journal.append([entry(push_id="1")], outcomes.append, checked)
    journal.append([entry(governs=True)], outcomes.append, checked)
    journal.append([entry(push_id="2")], outcomes.append, checked)
    journal.append([entry(push_id="1")], outcomes.append, checked)
    journal.append([entry("other")], outcomes.append, checked)
    journal.append([entry("other")], outcomes.append, Checked("other", 0))
    await until_has(outcomes, 6)
    assert outcomes == [receipt(1), receipt(2), Superseded(2), receipt(1, fresh=False), Superseded(2), receipt(1)]


async def test_no_append_follows_a_governing_event_it_was_not_checked_against(database: AsyncEngine) -> None:
    # Each worker checks against what it last knew, as one does that other workers' events have not reached.
    journals = [started(database, writer_for(database)) for _ in range(4)]
    stored: dict[int, int] = {}  # seq -> the governed position it was checked against
    governing: set[int] = {0}

    async def write(journal: Journal, author: int) -> None:
        known = 0
        for number in range(30):
            governs = number % 10 == author
            outcome = await append_group(journal, entry("class:7", author, governs=governs), checked=known)
            if isinstance(outcome, Superseded):
                known = outcome.governed
            elif isinstance(outcome, Receipt):
                stored[outcome.seq] = known
                if governs:
                    governing.add(outcome.seq)

    await asyncio.gather(*(write(journal, author) for author, journal in enumerate(journals) for _ in range(3)))
    assert len(governing) > 4
    assert sorted(stored) == list(range(1, len(stored) + 1))
    for seq, checked in stored.items():
        assert checked == max(position for position in governing if position < seq)
    for journal in journals:
        await journal.close()


async def test_of_several_workers_snapshots_the_furthest_is_kept(database: AsyncEngine) -> None:
    one, two = (started(database, writer_for(database)) for _ in range(2))
    await append(one, *(entry() for _ in range(5)))
    assert await one.snapshot("class:7") is None
    for journal, seq in ((one, 2), (one, 4), (two, 3), (two, 99)):
        journal.keep_snapshot(Snapshot("class:7", seq, b"state %d" % seq))
        await until_idle(journal)
    one.keep_snapshot(Snapshot("unknown", 1, b""))
    await until_idle(one)
    assert await two.snapshot("class:7") == Snapshot("class:7", 4, b"state 4")
    for journal in (one, two):
        await journal.close()
