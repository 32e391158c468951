"""Who is in a class while a lesson runs is recorded as spells, in few transactions."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.memory import MemoryBus
from channels.engine.engine import Periods
from channels.engine.spells import REJOIN_MS, SEEN_SECONDS, SpellRecorder
from channels.errors import JournalUnavailable
from channels.journal.entry import Group, KeptSpell, Mark, Snapshot, Spells, Stored, Writer
from channels.lesson.state import TopicState
from tests.channels.support import ANA, BRUNO, PAULA, Client, Worker, member, writer_for
from tests.channels.support import CLASS as CLASS_7

CLASS = "class:7"
# The tests tick themselves.
BY_HAND = Periods(record=3_600.0)


class Recording:
    """A worker's recorder, with a clock that is turned by hand."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.at = 0
        engine = worker.engine
        self.recorder = SpellRecorder(engine._hub, engine._presence, worker.journal, lambda: self.at)

    def tick(self, at: int) -> None:
        self.at = at
        self.recorder.tick()

    async def comes(self, who: Any) -> Client:
        client = self.worker.connect(who)
        await client.ok(CLASS, "phx_join")
        return client

    async def starts(self, paula: Client) -> tuple[int, int]:
        started = await paula.ok(CLASS, "lesson:start")
        return started["seq"], started["at"]

    async def spells(self, target: int) -> list[KeptSpell]:
        """Return what is stored, once all that was kept before is."""
        found: list[KeptSpell] = await settled(self.worker, target)
        return found


async def settled(worker: Worker, target: int) -> list[KeptSpell]:
    commits = worker.journal._commits
    while commits._committing is not None:
        await commits._committing
    return await worker.journal.spells(CLASS, [target])


@pytest.fixture
async def recording(make_worker: Callable[..., Any]) -> Recording:
    return Recording(await make_worker(periods=BY_HAND))


async def test_who_was_there_before_begins_with_the_lesson(recording: Recording) -> None:
    paula, ana = await recording.comes(PAULA), await recording.comes(ANA)
    recording.tick(1)
    target, at = await recording.starts(paula)
    recording.tick(at + 800)
    await recording.comes(BRUNO)
    recording.tick(at + 2_000)
    ana.gone()
    recording.tick(at + 5_000)
    assert [(each.user_id, each.role, each.began - at, each.ended) for each in await recording.spells(target)] == [
        (1, "student", 0, at + 5_000),
        (2, "student", 2_000, None),
        (3, "teacher", 0, None),
    ]


async def test_nothing_is_recorded_without_a_lesson(recording: Recording) -> None:
    paula = await recording.comes(PAULA)
    recording.tick(1)
    target, at = await recording.starts(paula)
    await paula.ok(CLASS, "lesson:end")
    recording.tick(at + 1_000)
    await recording.comes(ANA)
    recording.tick(at + 2_000)
    assert await recording.spells(target) == []


async def test_class_list_that_joins_unseen_is_not_recorded(recording: Recording) -> None:
    paula = await recording.comes(PAULA)
    target, at = await recording.starts(paula)
    await recording.worker.connect(ANA).ok(CLASS, "phx_join", {"present": False})
    recording.tick(at)
    assert [each.user_id for each in await recording.spells(target)] == [3]


async def test_second_device_and_a_quick_return_make_no_second_spell(recording: Recording) -> None:
    paula, phone = await recording.comes(PAULA), await recording.comes(ANA)
    target, at = await recording.starts(paula)
    recording.tick(at)
    laptop = await recording.comes(ANA)
    phone.gone()
    recording.tick(at + 1_000)
    laptop.gone()
    recording.tick(at + 2_000)
    await recording.comes(ANA)
    recording.tick(at + 2_000 + REJOIN_MS)
    assert [(each.began, each.ended) for each in await recording.spells(target) if each.user_id == 1] == [(at, None)]


async def test_long_absence_makes_a_second_spell(recording: Recording) -> None:
    paula, ana = await recording.comes(PAULA), await recording.comes(ANA)
    target, at = await recording.starts(paula)
    recording.tick(at)
    ana.gone()
    recording.tick(at + 1_000)
    await recording.comes(ANA)
    recording.tick(at + 1_001 + REJOIN_MS)
    found = [(each.began - at, each.ended) for each in await recording.spells(target) if each.user_id == 1]
    assert found == [(0, at + 1_000), (1_001 + REJOIN_MS, None)]


class CountingWriter:
    """The database's writer, which notes what of spells goes into each transaction."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.kept: list[Spells] = []
        self.is_away = False
        self.tries = 0

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        self.tries += 1
        if self.is_away:
            raise JournalUnavailable("no route to host")
        if spells is not None:
            self.kept.append(spells)
        return await self.writer.commit(groups, marks, snapshots, spells)

    async def close(self) -> None:
        await self.writer.close()


async def test_class_costs_a_transaction_and_then_one_row_in_ten_seconds(
    make_worker: Callable[..., Any], database: AsyncEngine
) -> None:
    writer = CountingWriter(writer_for(database))
    recording = Recording(await make_worker(periods=BY_HAND, writer=writer))
    paula = await recording.comes(PAULA)
    for number in range(100, 130):
        await recording.comes(member(number, f"Aluno {number}", "student", CLASS_7))
    target, at = await recording.starts(paula)
    for second in range(3 * SEEN_SECONDS + 1):
        recording.tick(at + second * 1_000)
        await recording.spells(target)
    written = [(spells.at - at, len(spells.changed)) for spells in writer.kept]
    assert written == [(0, 31), (10_000, 0), (20_000, 0), (30_000, 0)]


async def test_spells_wait_while_the_database_is_away(
    make_worker: Callable[..., Any], database: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    writer = CountingWriter(writer_for(database))
    recording = Recording(await make_worker(periods=BY_HAND, writer=writer))
    paula = await recording.comes(PAULA)
    target, at = await recording.starts(paula)
    writer.is_away, writer.tries = True, 0
    recording.tick(at)
    async with asyncio.timeout(10):
        while not writer.tries:
            await asyncio.sleep(0.001)
    await recording.comes(ANA)
    recording.tick(at + 1_000)
    writer.is_away = False
    assert [(each.user_id, each.began - at) for each in await recording.spells(target)] == [(1, 1_000), (3, 0)]
    caplog.clear()


async def test_what_a_killed_worker_recorded_ends_when_it_wrote_last(recording: Recording) -> None:
    paula = await recording.comes(PAULA)
    target, at = await recording.starts(paula)
    recording.tick(at)
    recording.tick(at + SEEN_SECONDS * 1_000)
    recording.tick(at + SEEN_SECONDS * 1_000 + 9_000)
    (spell,) = await recording.spells(target)
    assert (spell.ended, spell.seen - at) == (None, SEEN_SECONDS * 1_000)


async def test_worker_that_ends_closes_its_spells(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    other, worker = await make_worker(bus), await make_worker(bus, periods=Periods(record=0.01))
    paula = worker.connect(PAULA)
    await paula.ok(CLASS, "phx_join")
    target = (await paula.ok(CLASS, "lesson:start"))["seq"]
    async with asyncio.timeout(10):
        while not await other.journal.spells(CLASS, [target]):
            await asyncio.sleep(0.01)
    await worker.engine.close()
    (spell,) = await other.journal.spells(CLASS, [target])
    assert spell.ended is not None


async def test_new_worker_goes_on_when_its_pupils_come_back(
    recording: Recording, make_worker: Callable[..., Any]
) -> None:
    paula = await recording.comes(PAULA)
    target, at = await recording.starts(paula)
    recording.tick(at)
    await recording.spells(target)
    second = Recording(await make_worker(periods=BY_HAND))
    await second.comes(PAULA)
    second.tick(at + 20_000)
    assert [(each.began - at, each.ended) for each in await second.spells(target)] == [(0, None), (20_000, None)]


async def test_state_that_was_replaced_is_not_kept(recording: Recording) -> None:
    await recording.comes(ANA)
    recording.tick(1)
    topic = recording.worker.engine._hub.topics[CLASS]
    replaced = weakref.ref(topic.state)
    topic.state = TopicState(())
    gc.collect()
    assert replaced() is None


async def test_topics_in_which_nothing_happens_are_not_looked_at(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    follow = recording.recorder._follow

    def counted(name: str, *others: Any) -> None:
        looked_at.append(name)
        follow(name, *others)

    monkeypatch.setattr(recording.recorder, "_follow", counted)
    paula = await recording.comes(PAULA)
    ana = await recording.comes(ANA)
    await ana.ok("user:me", "phx_join")
    for at in (1, 2, 3):
        recording.tick(at)
    assert looked_at == [CLASS]
    target, _ = await recording.starts(paula)
    for at in (4, 5):
        recording.tick(at)
    assert looked_at.count(CLASS) == 2
    assert {spell.user_id for spell in await recording.spells(target)} == {PAULA.user.id, ANA.user.id}
    await paula.ok(CLASS, "lesson:end")
    recording.tick(6)
    assert recording.recorder._books == {}
    assert set(recording.recorder._looked_at) == set(recording.recorder._here)
