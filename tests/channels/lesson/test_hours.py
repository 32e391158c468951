"""The hours of a class: its own and the school's, during lessons, what they refuse to students, on every worker."""

import time
from typing import Any

import msgspec
import pytest

from channels.broker.memory import MemoryBus
from channels.hours import Hours, Mode, SchoolHours, Span
from channels.lesson.hours import ClassOpening
from channels.lesson.state import TopicState
from channels.wire.codec import Event
from tests.channels.support import ANA, PAULA, Client, MakeWorker, Worker

DAY_MS = 86_400_000
# Never now: of a day that is neither today nor tomorrow, wherever the clock of the test stands.
CLOSED_NOW = [{"day": (time.gmtime().tm_wday + 3) % 7 + 1, "opens": "07:00", "closes": "12:00"}]
OPEN_NOW = [{"day": day, "opens": "00:00", "closes": "24:00"} for day in range(1, 8)]


async def in_class(worker: Worker) -> tuple[Client, Client]:
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    await ana.ok("class:7", "phx_join")
    await paula.ok("class:7", "phx_join")
    return ana, paula


async def test_students_cannot_write_outside_of_the_hours(worker: Worker) -> None:
    ana, paula = await in_class(worker)
    sent = await ana.ok("class:7", "message:send", {"text": "antes"})
    await paula.ok("class:7", "chat:hours", {"mode": "hours", "spans": CLOSED_NOW})
    for event, payload in (("message:send", {"text": "x"}), ("typing:start", {}), ("note:send", {"text": "x"})):
        refused = (await ana.ask("class:7", event, payload))["response"]
        assert refused["code"] == "closed"
        assert DAY_MS < refused["opens_at"] - sent["at"] < 7 * DAY_MS
    await paula.ok("class:7", "message:send", {"text": "staff may"})
    await ana.ok("class:7", "history:read", {"after": 0})
    await ana.ok("class:7", "message:hide", {"target": sent["seq"]})
    await paula.ok("class:7", "chat:hours", {"mode": "hours", "spans": OPEN_NOW})
    await ana.ok("class:7", "message:send", {"text": "depois"})


async def test_class_has_the_schools_hours_or_its_own(worker: Worker) -> None:
    ana, paula = await in_class(worker)
    worker.authority.hours = SchoolHours(
        Hours(Mode.HOURS, msgspec.convert(CLOSED_NOW, tuple[Span, ...])), "America/Sao_Paulo"
    )
    assert await ana.refused("class:7", "message:send", {"text": "x"}) == "closed"
    state = (await ana.ok("class:7", "phx_join"))["state"]["hours"]
    assert (state["own"], state["zone"], state["open"]) == (None, "America/Sao_Paulo", False)
    assert state["school"] == {"mode": "hours", "spans": CLOSED_NOW}
    await paula.ok("class:7", "chat:hours", {"mode": "always"})
    await ana.ok("class:7", "message:send", {"text": "x"})
    read = await ana.ok("class:7", "hours:read")
    assert (read["own"], read["open"], read["changes"]) == ({"mode": "always", "spans": []}, True, [])
    await paula.ok("class:7", "chat:hours", {"mode": None})
    assert await ana.refused("class:7", "message:send", {"text": "x"}) == "closed"
    assert [each["own"] for each in await ana.has(2, "hours:changed")] == [{"mode": "always", "spans": []}, None]


async def test_no_time_is_told_where_the_next_lesson_opens_the_class(worker: Worker) -> None:
    ana, paula = await in_class(worker)
    await paula.ok("class:7", "chat:hours", {"mode": "lesson"})
    refused = (await ana.ask("class:7", "message:send", {"text": "x"}))["response"]
    assert (refused["code"], "opens_at" in refused) == ("closed", False)


def event(seq: int, kind: str, **payload: Any) -> Event:
    return Event(seq, kind, msgspec.json.encode(payload))


def test_class_is_open_during_its_lessons_only() -> None:
    state = TopicState([ClassOpening])
    school = SchoolHours(Hours(Mode.LESSON), "UTC")
    opened = []
    for seq, kind in enumerate(("lesson:started", "lesson:ended", "lesson:started"), start=1):
        state.apply(event(seq, kind))
        again = TopicState([ClassOpening])
        assert again.load(state.dump())
        opened.append(again.of(ClassOpening).hours(school, 0).open)
    assert opened == [True, False, True]
    assert state.governed == 3


async def test_hours_bind_a_worker_without_their_event(make_worker: MakeWorker) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus=bus), await make_worker(bus=bus)
    ana, _ = await in_class(one)
    _, paula = await in_class(two)
    await paula.ok("class:7", "chat:hours", {"mode": "hours", "spans": CLOSED_NOW})
    assert await ana.refused("class:7", "message:send", {"text": "x", "id": "a-1"}) == "closed"
    assert [each.event for each in await one.journal.after("class:7", 0, 10)] == ["hours:changed"]


@pytest.mark.parametrize(
    "payload",
    [
        {"mode": "hours", "spans": []},
        {"mode": "always", "spans": OPEN_NOW},
        {"mode": None, "spans": OPEN_NOW},
        {"mode": "hours", "spans": [{"day": 1, "opens": "12:00", "closes": "07:00"}]},
        {"mode": "hours", "spans": [{"day": 8, "opens": "07:00", "closes": "12:00"}]},
        {"mode": "hours", "spans": [{"day": 1, "opens": "7:00", "closes": "12:00"}]},
        {"mode": "hours", "spans": OPEN_NOW * 5},
        {"mode": "sometimes"},
    ],
)
async def test_hours_that_cannot_be_are_refused(worker: Worker, payload: dict[str, object]) -> None:
    ana, paula = await in_class(worker)
    assert await paula.refused("class:7", "chat:hours", payload) == "bad_payload"
    assert await ana.refused("class:7", "chat:hours", {"mode": "always"}) == "forbidden"
