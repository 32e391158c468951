"""Which lessons run, as the dashboard shows them, and since when without a teacher."""

import asyncio
import time
from typing import Any

from channels.broker.memory import MemoryBus
from channels.cluster.presence import Presence
from channels.engine.engine import Periods
from channels.lesson.running import RunningLessons
from tests.channels.support import DIRETORA, PAULA, Client, MakeWorker, Worker
from tests.dashboard import SeenSchool

CLASS = "class:7"
QUICK = Periods(snapshot=0.01, refresh=0.01, record=0.01)


class Watching:
    """A principal who looks at the dashboard of a worker."""

    def __init__(self, client: Client, school: SeenSchool) -> None:
        self._client = client
        self._school = school
        self._applied = 0

    @classmethod
    async def at(cls, worker: Worker) -> "Watching":
        client = worker.connect(DIRETORA)
        return cls(client, SeenSchool((await client.ok("dashboard", "phx_join"))["state"]["dashboard"]))

    @property
    def lesson(self) -> Any:
        changes = self._client.got("dashboard:changed")
        for each in changes[self._applied :]:
            self._school.apply(each)
        self._applied = len(changes)
        return self._school.classes[7]["lesson"]

    async def until(self, what: Any) -> Any:
        """Wait until the class's lesson is such, and return it."""
        async with asyncio.timeout(5):
            while not what(self.lesson):
                await asyncio.sleep(0.01)
        return self.lesson


def is_taught(lesson: Any) -> bool:
    return lesson is not None and "untaught" not in lesson


def is_untaught(lesson: Any) -> bool:
    return lesson is not None and "untaught" in lesson


async def test_dashboard_follows_lessons_and_their_teachers_over_workers(make_worker: MakeWorker) -> None:
    bus = MemoryBus()
    one, other = await make_worker(bus, periods=QUICK), await make_worker(bus, periods=QUICK)
    watching = await Watching.at(other)
    assert watching.lesson is None
    paula = one.connect(PAULA)
    await paula.ok(CLASS, "phx_join")
    started = await paula.ok(CLASS, "lesson:start")
    assert await watching.until(is_taught) == {"since": started["at"]}
    await paula.ok(CLASS, "phx_leave")
    lesson = await watching.until(is_untaught)
    assert started["at"] <= lesson["untaught"] <= time.time() * 1_000
    await paula.ok(CLASS, "phx_join")
    await watching.until(is_taught)
    await paula.ok(CLASS, "lesson:end")
    await watching.until(lambda lesson: lesson is None)


async def test_restarted_worker_knows_since_when_no_teacher_is_there(make_worker: MakeWorker) -> None:
    worker = await make_worker(periods=QUICK)
    paula = worker.connect(PAULA)
    await paula.ok(CLASS, "phx_join")
    started = await paula.ok(CLASS, "lesson:start")
    await paula.ok(CLASS, "phx_leave")
    await worker.engine.close()
    closed = time.time() * 1_000
    restarted = await make_worker(periods=QUICK)
    lesson = await (await Watching.at(restarted)).until(is_untaught)
    assert lesson["since"] == started["at"] <= lesson["untaught"] <= closed


async def test_lessons_are_read_again_after_they_were_forgotten(worker: Worker) -> None:
    paula = worker.connect(PAULA)
    await paula.ok(CLASS, "phx_join")
    started = await paula.ok(CLASS, "lesson:start")
    lessons = RunningLessons(Presence())
    seen = []
    for step in (refresh, refresh, forget, refresh):
        await step(lessons, worker, started["at"])
        seen.append((lessons.get(CLASS) is not None, lessons.changed))
        lessons.changed = set()
    assert seen == [(True, {CLASS}), (True, set()), (False, {CLASS}), (True, {CLASS})]


async def refresh(lessons: RunningLessons, worker: Worker, at: int) -> None:
    await lessons.refresh(worker.journal, at)


async def forget(lessons: RunningLessons, *_: object) -> None:
    lessons.forget()
