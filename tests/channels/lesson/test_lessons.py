"""A lesson is started and ended by staff, and state says which one runs."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from channels.broker.memory import MemoryBus
from channels.lesson.lessons import Lessons
from channels.lesson.state import TopicState
from channels.wire.codec import Event
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker

CLASS = "class:7"
STAFF = "class:7:staff"


async def joined(worker: Worker, *members: Any) -> list[Any]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        await client.ok(CLASS, "phx_join")
    return clients


async def test_lesson_runs_from_its_start_to_its_end(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    started = await paula.ok(CLASS, "lesson:start", {"title": " Frações ", "id": "l1"})
    (event,) = await ana.has(1, "lesson:started")
    assert (event["seq"], event["title"], event["author"]["name"]) == (started["seq"], "Frações", "Paula")
    running = (await worker.connect(BRUNO).ok(CLASS, "phx_join"))["state"]["lesson"]
    assert running == {
        "target": started["seq"],
        "title": "Frações",
        "author": event["author"],
        "since": started["at"],
    }
    ended = await paula.ok(CLASS, "lesson:end")
    (event,) = await ana.has(1, "lesson:ended")
    assert (event["target"], event["until"], event["author"]["id"]) == (started["seq"], ended["at"], 3)
    assert (await worker.connect(BRUNO).ok(CLASS, "phx_join"))["state"]["lesson"] is None


async def test_staff_learn_who_is_expected_and_pupils_do_not(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await paula.ok(STAFF, "phx_join")
    await paula.ok(CLASS, "lesson:start")
    (expected,) = await paula.has(1, "lesson:expected")
    (started,) = await ana.has(1, "lesson:started")
    assert expected["students"] == [1, 2]
    assert expected["at"] == started["at"]
    assert ana.got("lesson:expected") == []


async def test_second_lesson_is_refused_while_one_runs(worker: Worker) -> None:
    paula, diretora = await joined(worker, PAULA, DIRETORA)
    assert await paula.refused(CLASS, "lesson:end") == "forbidden"
    first = await paula.ok(CLASS, "lesson:start", {"id": "l1"})
    assert await diretora.refused(CLASS, "lesson:start", {"title": "Outra"}) == "forbidden"
    assert await paula.ok(CLASS, "lesson:start", {"id": "l1"}) == first
    await diretora.ok(CLASS, "lesson:end")
    assert (await paula.ok(CLASS, "lesson:start", {"id": "l2"}))["seq"] > first["seq"]


@pytest.mark.parametrize("event", ["lesson:start", "lesson:end"])
async def test_pupils_neither_start_nor_end_lessons(worker: Worker, event: str) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await paula.ok(CLASS, "lesson:start")
    assert await ana.refused(CLASS, event) == "forbidden"


async def test_two_workers_start_one_lesson_between_them(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    (paula,), (diretora,) = await joined(here, PAULA), await joined(there, DIRETORA)
    replies = await asyncio.gather(*(each.ask(CLASS, "lesson:start") for each in (paula, diretora)))
    assert sorted(reply["status"] for reply in replies) == ["error", "ok"]
    assert len(await paula.has(1, "lesson:started")) == 1


def event(seq: int, name: str) -> Event:
    payload = {"seq": seq, "at": 1_000, "title": "", "author": {"id": 3, "name": "Paula", "role": "teacher"}}
    return Event(seq, name, msgspec.json.encode(payload))


def test_snapshot_has_the_running_lesson() -> None:
    whole, resumed = TopicState([Lessons]), TopicState([Lessons])
    whole.apply(event(4, "lesson:started"))
    assert resumed.load(whole.dump())
    assert resumed.of(Lessons).view() == whole.of(Lessons).view()
    period = resumed.period()
    assert period is not None
    assert (period.position, period.at) == (4, 1_000)
    resumed.apply(event(5, "lesson:ended"))
    assert resumed.period() is None
    assert resumed.governed == 5
