"""The journal's contract, on SQLite and PostgreSQL."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Code, JournalUnavailable, Refused
from channels.event import Stored
from channels.journal.entry import (
    Activity,
    Checked,
    DueTimer,
    Entry,
    Mark,
    Receipt,
    Snapshot,
    Superseded,
    Timer,
    Writer,
)
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


async def test_each_topic_numbers_its_events_from_one(journal: Journal) -> None:
    receipts = await append(journal, entry("a"), entry("b"), entry("a"), entry("a"), entry("b"))
    assert receipts == [receipt(1), receipt(1), receipt(2), receipt(3), receipt(2)]
    assert await journal.heads(["a", "b", "c"]) == {"a": 3, "b": 2}
    assert await journal.heads(["c"]) == {}


async def test_stored_event_reads_back_as_it_was_broadcast(journal: Journal) -> None:
    await append(journal, entry(text="ção"))
    assert await journal.after("class:7", 0, 10) == [
        Event(1, "message:sent", '{"text":"ção","seq":1,"at":1000}'.encode())
    ]


async def test_listener_receives_events_in_order_before_their_senders_get_receipts(journal: Journal) -> None:
    told: list[object] = []

    class Teller(Recorder):
        def committed(self, batch: Sequence[tuple[Entry, Event]], queued_at: float) -> None:
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


async def test_repeated_push_id_of_author_and_topic_is_stored_once(journal: Journal) -> None:
    listener = Recorder()
    journal.start(listener)
    same = [entry(push_id="p"), entry(push_id="p", text="again"), entry(push_id="q"), entry(push_id="p", author=2)]
    receipts = await append(journal, *same, entry("other", push_id="p"))
    later = await append(journal, entry(push_id="p"))
    assert [each.seq for each in receipts if isinstance(each, Receipt)] == [1, 1, 2, 3, 1]
    assert later == [receipt(1, fresh=False)]
    assert len(listener.events) == 4
    assert listener.stored_before == [("class:7", 1), ("class:7", 1)]


async def test_pages_read_forwards_backwards_and_by_event(journal: Journal) -> None:
    await append(journal, *(entry() for _ in range(6)))
    await append(journal, Entry("class:7", "announcement:sent", b"{}", 1, None, 5))
    assert [event.seq for event in await journal.after("class:7", 2, 3)] == [3, 4, 5]
    assert [event.seq for event in await journal.before("class:7", 5, 3)] == [2, 3, 4]
    assert [event.seq for event in await journal.before("class:7", None, 2)] == [6, 7]
    assert [event.seq for event in await journal.before("class:7", None, 9, ["announcement:sent"])] == [7]
    assert await journal.after("class:8", 0, 9) == []


async def test_count_is_by_others_between_positions_and_bounded(journal: Journal) -> None:
    await append(journal, *(entry(author=author) for author in (1, 2, 1, 2, 2)))
    assert await journal.count("class:7", 0, None, 10, event=None, not_by=1) == 3
    assert await journal.count("class:7", 2, 5, 10, event=None, not_by=1) == 1
    assert await journal.count("class:7", 0, None, 2, event=None, not_by=1) == 2
    assert await journal.count("class:7", 0, None, 10, event="announcement:sent", not_by=1) == 0
    assert await journal.count("class:99", 0, None, 10, event=None, not_by=1) == 0


async def test_read_marks_only_advance_up_to_the_head(journal: Journal) -> None:
    await append(journal, *(entry() for _ in range(5)))
    await mark_read(journal, Mark("class:7", 1, 3, 10), Mark("class:7", 1, 2, 11), Mark("class:7", 2, 99, 12))
    await mark_read(journal, Mark("class:7", 1, 1, 13), Mark("unknown", 1, 1, 13))
    assert await journal.marks("class:7") == {1: 3, 2: 5}
    assert await journal.marks("class:8") == {}
    assert await journal.readers("class:7", 3) == [1, 2]
    assert await journal.readers("class:7", 4) == [2]


async def test_concurrent_writers_leave_no_gap_and_no_repeat(database: AsyncEngine) -> None:
    journals = [started(database, writer_for(database)) for _ in range(2)]
    topics = [f"t{number}" for number in range(5)]

    async def write(journal: Journal, author: int) -> list[Outcome]:
        # The two write the topics in opposite orders; this deadlocks unless the counters are locked in order of name.
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


async def test_crossing_marks_and_events_of_two_workers_do_not_deadlock(database: AsyncEngine) -> None:
    writers = [writer_for(database), writer_for(database)]
    await writers[0].commit([group(entry("a")), group(entry("b"))])

    async def write(writer: Writer, says: str, reads: str, user: int) -> None:
        for number in range(2, 62):
            await writer.commit([group(entry(says, user))], [Mark(reads, user, number, 1)])

    await asyncio.gather(write(writers[0], "a", "b", 1), write(writers[1], "b", "a", 2))
    for writer in writers:
        await writer.close()


async def test_read_marks_are_stored_despite_a_refused_event(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database))
    await append(journal, entry(), entry())
    journal.mark_read(Mark("class:7", 1, 2, 1))
    await append(journal, Entry("class:7", "e", b"\xff", 1, None, 1))
    await until_idle(journal)
    assert await journal.marks("class:7") == {1: 2}
    await journal.close()


async def test_failed_batch_stores_nothing_and_the_next_one_succeeds(database: AsyncEngine) -> None:
    writer = writer_for(database)
    good, bad = entry(), Entry("class:7", "x" * 10, b"\xff", 1, None, 1)  # not UTF-8: the driver rejects it
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
async def test_entry_the_database_rejects_fails_alone(
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


async def test_read_mark_the_database_rejects_fails_alone(database: AsyncEngine) -> None:
    journal = started(database, writer_for(database))
    await append(journal, entry())
    journal.keep_snapshot(Snapshot("class:7", 1, b"state"))
    await mark_read(journal, Mark("class:7", 1, 1, 1), Mark("class:7", 2**70, 1, 1), Mark("class:7", 2, 1, 1))
    assert await journal.marks("class:7") == {1: 1, 2: 1}
    assert await journal.snapshot("class:7") == Snapshot("class:7", 1, b"state")
    await journal.close()


async def test_unreachable_database_raises_journal_unavailable(tmp_path: object) -> None:
    for writer in (SqliteWriter(f"{tmp_path}/no/such/folder"), PostgresqlWriter("postgresql://127.0.0.1:1/none")):
        with pytest.raises(JournalUnavailable):
            await writer.commit([group(entry())])
        await writer.close()


async def test_epoch_has_sixteen_characters(journal: Journal) -> None:
    assert len(journal.epoch) == 16


async def test_stored_events_are_readable_with_plain_sql(journal: Journal, database: AsyncEngine) -> None:
    await append(journal, entry(push_id="p"))
    async with database.connect() as connection:
        (row,) = (await connection.execute(select(events_table))).all()
        assert (row.seq, row.event, row.author_id, row.push_id, row.at) == (1, "message:sent", 1, "p", 1000)
        assert row.payload == '{"text":"x"}'
        assert (await connection.execute(select(reads_table))).all() == []


async def test_group_spans_several_topics_in_one_transaction(journal: Journal) -> None:
    listener = Recorder()
    journal.start(listener)
    await append(journal, entry("b"))
    outcome = await append_group(journal, entry("a", push_id="p"), entry("b"), entry("b"), entry("a"))
    assert outcome == receipt(1)
    assert [event.seq for event in listener.events] == [1, 1, 2, 3, 2]
    assert await journal.heads(["a", "b"]) == {"a": 2, "b": 3}


async def test_retried_group_stores_nothing_and_returns_its_first_receipt(journal: Journal) -> None:
    for fresh in (True, False):
        outcome = await append_group(journal, entry("a", push_id="p"), entry("b"), checked=0)
        assert outcome == receipt(1, fresh=fresh)
    assert await journal.heads(["a", "b"]) == {"a": 1, "b": 1}
    assert await journal.receipt("a", 1, "p") == receipt(1, fresh=False)
    assert await journal.receipt("a", 2, "p") is None


async def test_governing_event_supersedes_appends_checked_before_it(journal: Journal) -> None:
    assert await append_group(journal, entry(push_id="1"), checked=0) == receipt(1)
    assert await append_group(journal, entry(governs=True), checked=0) == receipt(2)
    assert await append_group(journal, entry(push_id="2"), entry("other"), checked=1) == Superseded(2)
    assert await journal.heads(["class:7", "other"]) == {"class:7": 2}
    assert await append_group(journal, entry(push_id="1"), checked=0) == receipt(1, fresh=False)
    assert await append_group(journal, entry(), checked=2) == receipt(3)
    assert await append_group(journal, entry()) == receipt(4)


async def test_governing_event_supersedes_later_groups_of_its_batch(journal: Journal) -> None:
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


async def test_newer_event_of_the_author_supersedes_a_push_that_depends_on_it(journal: Journal) -> None:
    outcomes: list[Outcome] = []

    def push(push_id: str, author: int, own: int | None) -> None:
        journal.append([entry("class:7", author, push_id)], outcomes.append, Checked("class:7", 0, own))

    await append(journal, entry("class:7", 1), entry("class:7", 2), entry("other", 3))
    push("a", 1, 0)  # one is stored at 1
    push("b", 1, 1)
    push("c", 1, 1)  # the one before it is of the same batch
    push("d", 1, None)
    push("b", 1, 0)  # a retry
    push("e", 3, 0)
    push("f", 2, 2)
    await until_has(outcomes, 7)
    assert outcomes[:2] == [Superseded(0, 1), receipt(3)]
    assert outcomes[2:] == [Superseded(0, 3), receipt(4), receipt(3, fresh=False), receipt(5), receipt(6)]


async def test_append_never_follows_an_unchecked_governing_event(database: AsyncEngine) -> None:
    # Each worker checks against the last position it knows, like a worker that has not received others' events yet.
    journals = [started(database, writer_for(database)) for _ in range(4)]
    stored: dict[int, int] = {}  # seq -> governed position that its append was checked against
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


def _shout(event: Stored, earlier: Stored) -> bytes | None:
    return earlier.payload.replace(b"oi", b"OI") if b"oi" in earlier.payload else None


def amending(about: int, *, annotates: bool = False) -> Entry:
    """Make an entry that changes the one at a position."""
    return Entry("class:7", "message:edited", b"{}", 1, None, 1_000, about=about, amend=_shout, annotates=annotates)


async def texts(journal: Journal) -> list[str]:
    return [json.loads(event.payload).get("text") for event in await journal.after("class:7", 0, 10)]


async def test_amendment_reaches_its_target_and_earlier_events_about_it(journal: Journal) -> None:
    about = entry(text="re: oi")
    about.about = 1
    await append(journal, entry(text="oi"), entry(text="oi"), about, amending(1))
    assert await texts(journal) == ["OI", "oi", "re: OI", None]
    assert await journal.version("class:7", 1, 4) == b'{"text":"oi"}'
    assert await journal.version("class:7", 3, 4) is None
    assert [event.seq for event in await journal.about("class:7", 1, ["message:edited"], 5)] == [4]
    assert await journal.count_about("class:7", 1, 5) == 2
    target = await journal.at("class:7", 1)
    assert target is not None
    assert json.loads(target.payload)["text"] == "OI"
    assert await journal.at("class:7", 9) is None


async def test_annotation_reaches_its_target_alone_and_keeps_no_version(journal: Journal) -> None:
    about = entry(text="re: oi")
    about.about = 1
    await append(journal, entry(text="oi"), about, amending(1, annotates=True))
    assert await texts(journal) == ["OI", "re: oi", None]
    assert await journal.version("class:7", 1, 3) is None
    assert await journal.count_about("class:7", 1, 5) == 1


async def test_amendments_of_several_workers_at_once_are_all_kept(database: AsyncEngine) -> None:
    def add(event: Stored, earlier: Stored) -> bytes:
        return earlier.payload.replace(b'"}', b'x"}')

    journals = [started(database, writer_for(database)) for _ in range(3)]
    await append(journals[0], entry(text=""))
    entries = [Entry("class:7", "added", b"{}", 1, None, 0, about=1, amend=add, annotates=True) for _ in range(10)]
    await asyncio.gather(*(append(journal, *entries) for journal in journals))
    target = await journals[0].at("class:7", 1)
    assert target is not None
    assert json.loads(target.payload)["text"] == 30 * "x"
    for journal in journals:
        await journal.close()


async def test_other_entries_of_a_group_may_name_the_first(journal: Journal) -> None:
    listener = Recorder()
    journal.start(listener)
    await append(journal, entry("b"), entry("b"))
    named = Entry("a", "named", b"{}", 1, None, 1_000, names_first=True)
    await append_group(journal, entry("b"), named)
    (event,) = await journal.after("a", 0, 1)
    assert json.loads(event.payload)["target"] == 3
    assert listener.events[-1] == event


async def test_furthest_snapshot_of_several_workers_is_kept(database: AsyncEngine) -> None:
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


async def test_timer_is_due_from_its_time_until_an_event_stops_it(journal: Journal) -> None:
    timed = Entry("user:1", "x", b"{}", 1, None, 1_000, timer=Timer(5_000, "go"))
    later = Entry("user:1", "x", b"{}", 1, None, 1_000, timer=Timer(9_000, "go"))
    await append(journal, timed, later)
    assert await journal.due(4_999, 10) == []
    assert await journal.due(5_000, 10) == [DueTimer("user:1", 1, 1, "go")]
    assert [event.seq for event in await journal.timed("user:1")] == [1, 2]
    assert [timer.seq for timer in await journal.due(9_000, 1)] == [1]
    await append(journal, Entry("user:1", "y", b"{}", 1, None, 1_000, stops=1))
    assert [timer.seq for timer in await journal.due(9_000, 10)] == [2]
    assert await journal.timed("user:2") == []


async def test_superseded_event_neither_sets_nor_stops_a_timer(journal: Journal) -> None:
    await append(
        journal, Entry("user:1", "x", b"{}", 1, None, 1_000, timer=Timer(5_000, "go")), entry("user:1", governs=True)
    )
    stopping = Entry("user:1", "y", b"{}", 1, None, 1_000, timer=Timer(1, "other"), stops=1)
    assert await append_group(journal, stopping, checked=1) == Superseded(2)
    assert await journal.due(9_000, 10) == [DueTimer("user:1", 1, 1, "go")]


async def test_authors_and_topics_of_a_push_are_found(journal: Journal) -> None:
    await append(journal, entry("a", 1, "once"), entry("a", 2, "once"), entry("b", 2, "once"), entry("b", 3, "other"))
    assert await journal.authors("a", "message:sent") == {1, 2}
    assert await journal.authors("a", "other") == set()
    assert await journal.topics_with(["a", "b", "c"], 1, "once") == {"a"}
    assert await journal.topics_with(["a", "b"], 2, "once") == {"a", "b"}


async def test_readers_and_receivers_in_any_of_several_topics_are_found(journal: Journal) -> None:
    await append(journal, entry("a"), entry("a"), entry("b"))
    await mark_read(journal, Mark("a", 1, 1, 1_000), Mark("a", 2, 2, 1_000), Mark("b", 3, 1, 1_000))
    await mark_read(journal, Mark("a", 4, 0, 1_000, 2), Mark("a", 2, 0, 1_000, 99), Mark("b", 5, 0, 1_000, 1))
    assert await journal.marked({"a": 2, "b": 1}) == ({2, 3}, {2, 3, 4, 5})
    assert await journal.marked({"a": 1}) == ({1, 2}, {1, 2, 4})
    assert await journal.readers("a", 1) == [1, 2]


async def test_delivery_and_reading_in_one_transaction_are_both_kept(journal: Journal) -> None:
    await append(journal, entry("a"), entry("a"))
    await mark_read(journal, Mark("a", 1, 1, 1_000), Mark("a", 1, 0, 2_000, 2))
    await mark_read(journal, Mark("a", 1, 0, 3_000, 1))
    assert await journal.marked({"a": 1}) == ({1}, {1})
    assert await journal.marked({"a": 2}) == (set(), {1})


async def test_what_is_read_in_quiet_hours_counts_when_they_end(journal: Journal) -> None:
    await append(journal, *[entry("a")] * 5)
    evening, next_evening = 20_000, 40_000
    await mark_read(journal, Mark("a", 1, 2, 10_000))
    await mark_read(journal, Mark("a", 1, 3, 21_000, quiet=evening), Mark("a", 2, 3, 22_000, quiet=evening))
    await mark_read(journal, Mark("a", 1, 4, 23_000, quiet=evening))
    assert await journal.readers("a", 3, evening) == []
    assert await journal.readers("a", 2, evening) == [1]
    assert (await journal.marked({"a": 3}, evening)) == (set(), {1, 2})
    assert await journal.readers("a", 3) == [2, 1]
    assert await journal.readers("a", 3, next_evening) == [2, 1]
    await mark_read(journal, Mark("a", 1, 5, 41_000, quiet=next_evening))
    assert await journal.readers("a", 4, next_evening) == [1]
    assert await journal.readers("a", 5, next_evening) == []


async def test_activity_counts_events_of_each_author_by_time(journal: Journal) -> None:
    def at(time: int, author: int, topic: str = "a", event: str = "message:sent") -> Entry:
        return Entry(topic, event, b"{}", author, None, time)

    await append(
        journal, at(99, 1), at(100, 1), at(119, 2), at(150, 1), at(149, 2), at(110, 1, "b"), at(110, 1, "a", "x")
    )
    found = await journal.activity("a", "message:sent", 100, 50)
    assert found == [Activity(2, 1, 1), Activity(2, 2, 2), Activity(3, 1, 1)]
