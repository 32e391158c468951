"""Announcing: to several topics at once, and at a time, which no worker that dies can make two or none."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.engine.engine import Periods
from channels.hours import ALWAYS, NO_SCHOOL_HOURS, SchoolHours, Span
from channels.limit import MAX_PLANS
from tests.channels.support import ANA, CLASS, DIRETORA, OTHER_CLASS, PAULA, Worker, member

ME = "user:me"
BOTH = ["class:7", "class:8"]
CAIO = member(6, "Caio", "student", CLASS, OTHER_CLASS)

# Timers run as soon as they are due.
AT_ONCE = Periods(timers=0.01)


def in_ms(milliseconds: int) -> int:
    """Return the time that many milliseconds from now."""
    return time.time_ns() // 1_000_000 + milliseconds


async def joined(worker: Worker, who: Any, *topics: str) -> Any:
    worker.authority.members[who.login] = who
    client = worker.connect(who)
    for topic in topics:
        await client.ok(topic, "phx_join")
    return client


async def test_announcement_to_several_classes_is_one_under_one_key(worker: Worker) -> None:
    diretora, caio = await joined(worker, DIRETORA, ME), await joined(worker, CAIO, *BOTH)
    wanted = {"text": "Passeio", "to": [*BOTH, "class:7"], "id": "a1"}
    first = await diretora.ok(ME, "announcement:send", wanted)
    assert await diretora.ok(ME, "announcement:send", wanted) == first
    one, other = await caio.has(2, "announcement:sent")
    assert one["key"] == other["key"]
    assert one["to"] == other["to"] == BOTH
    assert first == {"seq": 1, "at": one["at"]}
    (made,) = await diretora.has(1, "announcement:made")
    assert (made["to"], made["key"]) == (BOTH, one["key"])
    again = await worker.connect(CAIO).ok("class:8", "phx_join")
    assert len(again["state"]["announcements"]) == 1


async def test_announcement_to_a_topic_without_the_right_goes_nowhere(worker: Worker) -> None:
    paula, ana = await joined(worker, PAULA, ME, "class:7"), await joined(worker, ANA, "class:7")
    for topic in ("class:8", "school", "role:students", ME):
        wanted = {"text": "x", "to": ["class:7", topic]}
        code = await paula.refused(ME, "announcement:send", wanted)
        assert code in ("forbidden", "unmatched_topic", "bad_payload"), topic
    assert await paula.refused(ME, "announcement:send", {"text": "x"}) == "bad_payload"
    assert ana.got("announcement:sent") == []


async def test_announcement_waits_on_its_authors_topic_until_its_time(make_worker: Callable[..., Any]) -> None:
    worker = await make_worker(periods=AT_ONCE)
    paula, ana = await joined(worker, PAULA, ME), await joined(worker, ANA, "class:7")
    wanted = {"text": "Prova", "to": ["class:7"], "publish_at": in_ms(300), "acknowledge": True, "id": "p1"}
    receipt = await paula.ok(ME, "announcement:send", wanted)
    assert await paula.ok(ME, "announcement:send", wanted) == receipt
    (waiting,) = (await paula.ok(ME, "announcement:plans"))["plans"]
    assert (waiting["text"], waiting["publish_at"], waiting["seq"]) == ("Prova", wanted["publish_at"], receipt["seq"])
    assert ana.got("announcement:sent") == []
    (announcement,) = await ana.has(1, "announcement:sent")
    assert (announcement["text"], announcement["acknowledge"]) == ("Prova", True)
    assert announcement["at"] >= wanted["publish_at"]
    (published,) = await paula.has(1, "announcement:published")
    assert (published["target"], published["seq"]) == (receipt["seq"], 2)
    assert (await paula.ok(ME, "announcement:plans"))["plans"] == []
    assert await paula.ok(ME, "announcement:send", wanted) == receipt, "a retry comes after it was published"
    history = await paula.ok(ME, "history:read", {"before": 9})
    assert "Prova" not in str(history)


async def test_announcement_is_published_once_by_workers_that_look_at_once(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    workers = [await make_worker(bus, periods=AT_ONCE) for _ in range(3)]
    diretora, caio = await joined(workers[0], DIRETORA, ME), await joined(workers[1], CAIO, *BOTH)
    for worker in workers:
        worker.authority.members[CAIO.login] = CAIO
    at = in_ms(2_000)  # later than it takes to push them all
    for number in range(5):
        wanted = {"text": str(number), "to": BOTH, "publish_at": at}
        await diretora.ok(ME, "announcement:send", wanted)
    await diretora.has(5, "announcement:published")
    await asyncio.sleep(0.1)  # what a second worker published would have come
    assert sorted(each["text"] for each in await caio.has(10, "announcement:sent")) == sorted("0123401234")


async def test_announcement_due_while_no_worker_ran_comes_with_the_next(make_worker: Callable[..., Any]) -> None:
    first = await make_worker()
    paula = await joined(first, PAULA, ME)
    await paula.ok(ME, "announcement:send", {"text": "Cedo", "to": ["class:7"], "publish_at": in_ms(50)})
    await first.engine.close()
    await asyncio.sleep(0.1)
    second = await make_worker(periods=AT_ONCE)
    ana = await joined(second, ANA, "class:7")
    await second_announcement(ana, "Cedo")


async def second_announcement(client: Any, text: str) -> None:
    """Wait until a class has an announcement, which may have come before the client."""
    async with asyncio.timeout(10):
        while text not in str((await client.ok("class:7", "phx_join"))["state"]["announcements"]):
            await asyncio.sleep(0.02)


async def test_cancelled_announcement_is_never_published(make_worker: Callable[..., Any]) -> None:
    worker = await make_worker(periods=AT_ONCE)
    paula, ana = await joined(worker, PAULA, ME), await joined(worker, ANA, "class:7")
    soon = {"text": "Segredo", "to": ["class:7"], "publish_at": in_ms(200)}
    target = (await paula.ok(ME, "announcement:send", soon))["seq"]
    await paula.ok(ME, "announcement:cancel", {"target": target})
    assert await paula.refused(ME, "announcement:cancel", {"target": target}) == "forbidden"
    await paula.ok(ME, "announcement:send", {**soon, "text": "Outro"})
    assert [each["text"] for each in await ana.has(1, "announcement:sent")] == ["Outro"]
    assert "Segredo" not in str(await paula.ok(ME, "history:read", {"before": 99}))


async def test_waiting_announcement_is_replaced_in_one_step(worker: Worker) -> None:
    paula, ana = await joined(worker, PAULA, ME), await joined(worker, ANA, "class:7")
    later = {"text": "Dia 10", "to": ["class:7"], "publish_at": in_ms(3_600_000)}
    target = (await paula.ok(ME, "announcement:send", later))["seq"]
    await paula.ok(ME, "announcement:send", {**later, "text": "Dia 12", "replaces": target})
    (waiting,) = (await paula.ok(ME, "announcement:plans"))["plans"]
    assert waiting["text"] == "Dia 12"
    (cancelled,) = await paula.has(1, "announcement:cancelled")
    assert (cancelled["target"], cancelled["reason"]) == (target, "replaced")
    await paula.ok(ME, "announcement:send", {"text": "Dia 13", "to": ["class:7"], "replaces": waiting["seq"]})
    assert (await paula.ok(ME, "announcement:plans"))["plans"] == []
    assert [each["text"] for each in await ana.has(1, "announcement:sent")] == ["Dia 13"]
    gone = {"text": "x", "to": ["class:7"], "replaces": waiting["seq"]}
    assert await paula.refused(ME, "announcement:send", gone) == "forbidden"


async def test_author_without_the_right_by_then_announces_nothing(make_worker: Callable[..., Any]) -> None:
    worker = await make_worker(periods=AT_ONCE)
    paula, ana = await joined(worker, PAULA, ME), await joined(worker, ANA, "class:7")
    await paula.ok(ME, "announcement:send", {"text": "x", "to": ["class:7"], "publish_at": in_ms(200)})
    worker.authority.members[PAULA.login] = member(3, "Paula", "teacher", OTHER_CLASS)
    (cancelled,) = await paula.has(1, "announcement:cancelled")
    assert cancelled["reason"] == "rights"
    assert ana.got("announcement:sent") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"publish_at": 2**53},
        {"expires_at": 1},
        {"publish_at": in_ms(60_000), "expires_at": in_ms(30_000)},
        {"to": []},
        {"text": " "},
        {"replaces": 99},
    ],
    ids=["too late", "expired", "expires before it is published", "to nobody", "empty", "replaces nothing"],
)
async def test_announcement_that_makes_no_sense_is_refused(worker: Worker, wrong: dict[str, object]) -> None:
    paula = await joined(worker, PAULA, ME)
    wanted = {"text": "x", "to": ["class:7"], **wrong}
    assert await paula.refused(ME, "announcement:send", wanted) == "bad_payload"


async def test_number_of_waiting_announcements_is_bounded(worker: Worker) -> None:
    paula = await joined(worker, PAULA, ME)
    wanted = {"text": "x", "to": ["class:7"], "publish_at": in_ms(3_600_000)}
    target = 0
    for _ in range(MAX_PLANS):
        worker.clock.now += 1
        target = (await paula.ok(ME, "announcement:send", wanted))["seq"]
    worker.clock.now += 1
    assert await paula.refused(ME, "announcement:send", wanted) == "forbidden"
    await paula.ok(ME, "announcement:send", {**wanted, "replaces": target})


async def test_student_cannot_announce_or_see_what_waits(worker: Worker) -> None:
    ana = await joined(worker, ANA, ME)
    for event, payload in (("send", {"text": "x", "to": ["class:7"]}), ("plans", {}), ("cancel", {"target": 1})):
        assert await ana.refused(ME, f"announcement:{event}", payload) == "forbidden"


async def test_author_is_told_beforehand_how_many_it_reaches(worker: Worker) -> None:
    diretora = await joined(worker, DIRETORA, ME)
    worker.authority.members[CAIO.login] = CAIO
    worker.authority.away.add(CAIO.user.id)
    assert await diretora.ok(ME, "announcement:reach", {"to": BOTH}) == {"members": 3, "reachable": 2}
    paula = await joined(worker, PAULA, ME)
    assert await paula.refused(ME, "announcement:reach", {"to": BOTH}) == "forbidden"


def quiet_now(minutes: int) -> SchoolHours:
    """Return school hours with quiet hours around now, which end in so many minutes at least."""
    now = datetime.now(UTC)
    ends = now + timedelta(minutes=minutes + 1)
    spans: tuple[Span, ...] = (Span(now.isoweekday(), "00:00", f"{ends:%H:%M}"),)
    if ends.date() != now.date():
        spans = (Span(now.isoweekday(), "00:00", "24:00"), Span(ends.isoweekday(), "00:00", f"{ends:%H:%M}"))
    return SchoolHours(ALWAYS, "UTC", spans)


async def test_announcement_in_quiet_hours_waits_unless_it_is_urgent(worker: Worker) -> None:
    worker.authority.hours = quiet_now(30)
    paula, ana = await joined(worker, PAULA, ME, "class:7"), await joined(worker, ANA, "class:7")
    await paula.ok("class:7", "announcement:send", {"text": "Amanhã"})
    await paula.ok("class:7", "announcement:send", {"text": "Agora", "urgent": True})
    assert [each["text"] for each in await ana.has(1, "announcement:sent")] == ["Agora"]
    (waiting,) = (await paula.ok(ME, "announcement:plans"))["plans"]
    assert waiting["text"] == "Amanhã"
    assert in_ms(29 * 60_000) < waiting["publish_at"] <= in_ms(32 * 60_000)
    planned = {"text": "Cedo", "to": ["class:7"], "publish_at": in_ms(60_000)}
    await paula.ok(ME, "announcement:send", planned)
    second = (await paula.ok(ME, "announcement:plans"))["plans"][1]
    assert second["publish_at"] == waiting["publish_at"], "its time is in quiet hours, too"


async def test_what_is_read_in_quiet_hours_shows_when_they_end(worker: Worker) -> None:
    paula, ana = await joined(worker, PAULA, "class:7"), await joined(worker, ANA, "class:7")
    seq = (await paula.ok("class:7", "announcement:send", {"text": "x"}))["seq"]
    worker.authority.hours = quiet_now(30)
    await ana.ok("class:7", "read:mark", {"seq": seq})
    await paula.ok("class:7", "message:send", {"text": "commits after the mark"})
    assert (await paula.ok("class:7", "announcement:progress", {"target": seq}))["read"] == 0
    assert (await paula.ok("class:7", "receipts:read", {"seq": seq}))["count"] == 0
    worker.authority.hours = NO_SCHOOL_HOURS
    assert (await paula.ok("class:7", "announcement:progress", {"target": seq}))["read"] == 1
    assert (await paula.ok("class:7", "receipts:read", {"seq": seq}))["count"] == 1
