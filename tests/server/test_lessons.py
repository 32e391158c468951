"""A forgotten lesson ends by itself, once, at the moment when its staff left; also after kills."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.journal.entry import Spell, Spells
from server.clock import MINUTE
from server.databases import Databases
from server.lessons import FORGOTTEN_MINUTES, LONGEST_HOURS, ForgottenLessons
from tests.channels.support import ANA, PAULA, Worker

CLASS = "class:7"
STAFF = ("teacher", "principal")
HOUR = 60 * MINUTE


@pytest.fixture
async def make_worker(databases: Databases) -> AsyncIterator[Callable[..., Awaitable[Worker]]]:
    """Return a function that starts a worker on the journal, on a bus if there are to be others."""
    async with AsyncExitStack() as running:

        async def make(bus: MemoryBus | None = None) -> Worker:
            worker = Worker(databases.engine("journal"), bus)
            await worker.journal.open()
            worker.engine.start()
            running.push_async_callback(worker.engine.close)
            return worker

        yield make


@pytest.fixture
async def worker(make_worker: Callable[..., Awaitable[Worker]]) -> Worker:
    """Return one worker."""
    return await make_worker()


class Clock:
    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


async def begun(worker: Worker) -> tuple[Any, Any, int, int]:
    """Begin a lesson; return a pupil, the teacher, the lesson's position, and when it began."""
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    await ana.ok(CLASS, "phx_join")
    await paula.ok(CLASS, "phx_join")
    started = await paula.ok(CLASS, "lesson:start")
    return ana, paula, started["seq"], started["at"]


async def keep(worker: Worker, target: int, began: int, ended: int | None, seen: int, role: str = "teacher") -> None:
    spell = Spell(1, CLASS, target, 3, role, began, ended)
    worker.journal.keep_spells(Spells(f"test-{role[:7]}", seen, [spell]))
    await settled(worker)


async def settled(worker: Worker) -> None:
    commits = worker.journal._commits
    while commits._committing is not None:
        await commits._committing


def ending(worker: Worker, clock: Clock, started: int) -> ForgottenLessons:
    """Return the part of a worker that started at a time."""
    clock.at, now = started, clock.at
    forgotten = ForgottenLessons(worker.journal, STAFF, clock)
    clock.at = now
    return forgotten


async def test_lesson_ends_when_its_teacher_left_long_ago(worker: Worker) -> None:
    ana, _, target, at = await begun(worker)
    left = at + 40 * MINUTE
    await keep(worker, target, at, left, left)
    clock = Clock(left + FORGOTTEN_MINUTES * MINUTE)
    forgotten = ending(worker, clock, at)
    await forgotten.check()
    await settled(worker)
    assert ana.got("lesson:ended") == []
    clock.at += 1
    await forgotten.check()
    (ended,) = await ana.has(1, "lesson:ended")
    assert (ended["target"], ended["until"]) == (target, left)
    assert "author" not in ended


@pytest.mark.parametrize("role", ["student", "teacher"])
async def test_pupils_alone_keep_no_lesson_running_but_a_teacher_does(worker: Worker, role: str) -> None:
    ana, _, target, at = await begun(worker)
    now = at + HOUR
    await keep(worker, target, at, None, now, role)
    await ending(worker, Clock(now), at).check()
    await settled(worker)
    assert len(ana.got("lesson:ended")) == (role == "student")


async def test_after_an_outage_the_teacher_has_time_to_come_back(worker: Worker) -> None:
    ana, _, target, at = await begun(worker)
    killed, restarted = at + 10 * MINUTE, at + HOUR
    await keep(worker, target, at, None, killed)
    clock = Clock(restarted + MINUTE)
    forgotten = ending(worker, clock, restarted)
    await forgotten.check()
    await settled(worker)
    assert ana.got("lesson:ended") == []
    clock.at = restarted + (FORGOTTEN_MINUTES + 1) * MINUTE
    await forgotten.check()
    (ended,) = await ana.has(1, "lesson:ended")
    assert ended["until"] == killed


async def test_page_left_open_keeps_no_lesson_over_night(worker: Worker) -> None:
    ana, _, target, at = await begun(worker)
    now = at + LONGEST_HOURS * HOUR + 1
    await keep(worker, target, at, None, now)
    await ending(worker, Clock(now), at).check()
    (ended,) = await ana.has(1, "lesson:ended")
    assert ended["until"] == at + LONGEST_HOURS * HOUR


async def test_workers_end_a_forgotten_lesson_once(make_worker: Callable[..., Awaitable[Worker]]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    ana, paula, target, at = await begun(here)
    later = Clock(at + HOUR)
    for each in (here, there):
        await ending(each, later, at).check()
    for each in (here, there):
        await settled(each)
    assert [ended["target"] for ended in await ana.has(1, "lesson:ended")] == [target]
    assert (await paula.ok(CLASS, "lesson:start"))["seq"] == target + 2
