"""Choices: one for each user and event, counted in the transaction that stores an event, on SQLite and PostgreSQL."""

import asyncio
from collections.abc import Mapping

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Code, Refused
from channels.journal.choices import MAX_PUSH_IDS, KeptChoice, known, taken
from channels.journal.entry import Checked, Choice, Entry, Receipt, Superseded, Tally
from channels.journal.journal import Journal
from tests.channels.journal.support import Outcome, Recorder, append, append_group, entry, started, until_has
from tests.channels.support import writer_for

AGAIN = Refused(Code.FORBIDDEN, "chosen before")


def choice(
    value: int, user: int = 1, push_id: str | None = None, *, target: int = 1, replaces: bool = False, at: int = 1_000
) -> Entry:
    """Make an entry with a choice about an event of the class."""
    chosen = Choice(target, value, replaces, AGAIN)
    return Entry("class:7", "poll:vote", b"", user, push_id, at, choice=chosen)


def counting(target: int = 1, *, forget: bool = False) -> Entry:
    """Make an entry with a governing event that counts the choices about another."""

    def complete(counts: Mapping[int, int]) -> bytes:
        return msgspec.json.encode({"counts": sorted(counts.items())})

    closed = Entry("class:7", "poll:closed", b"{}", 9, None, 1_000, governs=True)
    closed.tally = Tally(target, complete, forget)
    return closed


async def test_choices_are_counted_and_take_no_position(journal: Journal) -> None:
    listener = Recorder()
    journal.start(listener)
    await append(journal, entry(author=9))
    assert await append(journal, choice(0, 1), choice(1, 2), choice(1, 3)) == [Receipt(1, 1_000)] * 3
    assert await journal.tally("class:7", 1) == {0: 1, 1: 2}
    assert await journal.choices("class:7", 1) == {1: 0, 2: 1, 3: 1}
    assert await journal.choices_of("class:7", 2, [1, 5]) == {1: 1}
    assert await journal.tally("class:7", 5) == await journal.tally("class:8", 1) == {}
    assert await journal.heads(["class:7"]) == {"class:7": 1}
    assert [event.seq for event in listener.events] == [1]


async def test_second_choice_is_refused_and_the_first_stays(journal: Journal) -> None:
    await append(journal, entry(author=9))
    outcomes = await append(journal, choice(0, push_id="a"), choice(1, push_id="b"), choice(1, user=2))
    assert outcomes == [Receipt(1, 1_000), AGAIN, Receipt(1, 1_000)]
    assert await append(journal, choice(1, push_id="c")) == [AGAIN]
    assert await journal.choices("class:7", 1) == {1: 0, 2: 1}


async def test_choice_sent_again_counts_once_even_after_it_was_replaced(journal: Journal) -> None:
    await append(journal, entry(author=9))
    await append(journal, choice(0, push_id="a", replaces=True), choice(1, push_id="b", replaces=True))
    assert await append(journal, choice(0, push_id="a", replaces=True)) == [Receipt(1, 1_000, fresh=False)]
    assert await journal.choices("class:7", 1) == {1: 1}
    assert await journal.has_chosen("class:7", 1, 1, "a")
    assert not await journal.has_chosen("class:7", 1, 1, "c")


async def test_event_and_choice_may_have_the_same_push_id(journal: Journal) -> None:
    outcomes = await append(journal, entry(push_id="a"), choice(1, push_id="a"), entry(push_id="a"))
    assert outcomes == [Receipt(1, 1_000), Receipt(1, 1_000), Receipt(1, 1_000, fresh=False)]


async def test_event_counts_what_was_chosen_before_it(journal: Journal) -> None:
    listener = Recorder()
    journal.start(listener)
    await append(journal, entry(author=9), choice(2, 1), choice(0, 2), choice(2, 3))
    outcomes: list[Outcome] = []
    journal.append([choice(2, 4)], outcomes.append, Checked("class:7", 0))
    journal.append([counting()], outcomes.append, Checked("class:7", 0))
    journal.append([choice(2, 5)], outcomes.append, Checked("class:7", 0))
    await until_has(outcomes, 3)
    assert outcomes == [Receipt(1, 1_000), Receipt(2, 1_000), Superseded(2)]
    assert listener.events[-1].payload == b'{"counts":[[0,1],[2,3]],"seq":2,"at":1000}'
    assert (await journal.after("class:7", 1, 1))[0].payload == listener.events[-1].payload


async def test_choice_checked_before_a_governing_event_is_superseded(journal: Journal) -> None:
    await append(journal, entry(author=9))
    assert await append_group(journal, choice(1, 1, "a"), checked=0) == Receipt(1, 1_000)
    await append(journal, counting())
    assert await append_group(journal, choice(1, 2, "b"), checked=0) == Superseded(2)
    assert await append_group(journal, choice(1, 1, "a"), checked=0) == Receipt(1, 1_000, fresh=False)
    assert await journal.tally("class:7", 1) == {1: 1}


async def test_forgotten_choices_leave_only_who_has_chosen(journal: Journal) -> None:
    listener = Recorder()
    journal.start(listener)
    await append(journal, entry(author=9), entry(author=9), choice(1, 1, "a"), choice(0, 2), choice(0, target=2))
    await append(journal, counting(forget=True))
    assert listener.events[-1].payload.startswith(b'{"counts":[[0,1],[1,1]]')
    assert await journal.choices("class:7", 1) == {1: None, 2: None}
    assert await journal.choices_of("class:7", 1, [1, 2]) == {2: 0}
    assert await journal.tally("class:7", 1) == {}
    assert await append(journal, choice(1, 1, "a")) == [Receipt(1, 1_000, fresh=False)]


async def test_all_choices_before_the_count_are_in_it_over_two_workers(database: AsyncEngine) -> None:
    listener = Recorder()
    journals = [started(database, writer_for(database)) for _ in range(2)]
    journals[0].start(listener)
    await append(journals[0], entry(author=9))
    outcomes: list[Outcome] = []
    for user in range(200):
        journals[user % 2].append([choice(user % 3, user)], outcomes.append)
        if user % 20 == 0:
            await asyncio.sleep(0.002)
    journals[0].append([counting()], outcomes.append)
    await until_has(outcomes, 201)
    await append(journals[0], counting())
    *_, last = listener.events
    assert last.payload.startswith(b'{"counts":[[0,67],[1,67],[2,66]]')
    for journal in journals:
        await journal.close()


def test_ids_of_the_newest_pushes_are_kept() -> None:
    kept, new = None, choice(0)
    for number in range(MAX_PUSH_IDS + 5):
        new = choice(number, push_id=f"p{number}", replaces=True)
        assert new.choice is not None
        row = taken(kept, new.choice, new)
        assert isinstance(row, KeptChoice)
        kept = KeptChoice.read(row.value, row.at, row.joined_ids)
    assert kept is not None
    assert (len(kept.push_ids), kept.push_ids[-1]) == (MAX_PUSH_IDS, f"p{MAX_PUSH_IDS + 4}")
    assert new.choice is not None
    assert known(kept, new.choice, new) == Receipt(1, 1_000, fresh=False)


def test_choice_without_an_id_is_never_known() -> None:
    new = choice(1)
    assert new.choice is not None
    row = taken(None, new.choice, new)
    assert isinstance(row, KeptChoice)
    assert known(KeptChoice.read(row.value, row.at, row.joined_ids), new.choice, new) is None
