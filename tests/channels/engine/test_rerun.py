"""Pushes that run again: rules bind from their commit on, on every worker, with or without a broker."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import delete

from channels.broker.memory import MemoryBus
from channels.errors import JournalUnavailable
from channels.journal.tables import events_table
from channels.limit import Limits
from channels.wire.codec import Event
from tests.channels.lesson.lock import TABLES_THAT_LOCK
from tests.channels.support import ANA, BRUNO, PAULA, Client, Worker

MakeWorker = Callable[..., Any]


@pytest.fixture
def make_locking_worker(make_worker: MakeWorker) -> MakeWorker:
    """Return a function that starts a worker on which staff can lock a class."""

    async def make(**options: Any) -> Worker:
        worker: Worker = await make_worker(limits=Limits(push_rate=0), tables=TABLES_THAT_LOCK, **options)
        return worker

    return make


def nothing_arrives() -> MemoryBus:
    return MemoryBus(lose=lambda envelope: True)


async def on_two_workers(make_locking_worker: MakeWorker) -> tuple[Worker, Client, Client]:
    """Join a class as a student on one worker, which is returned, and as a teacher on another, without a broker."""
    bus = nothing_arrives()
    one, two = await make_locking_worker(bus=bus), await make_locking_worker(bus=bus)
    ana, paula = one.connect(ANA), two.connect(PAULA)
    await ana.ok("class:7", "phx_join")
    await paula.ok("class:7", "phx_join")
    return one, ana, paula


async def stored(worker: Worker, topic: str = "class:7") -> list[str]:
    """Return the kinds of a topic's events, as the journal has them."""
    return [event.event for event in await worker.journal.after(topic, 0, 1_000)]


async def test_lock_refuses_messages_of_students_and_not_of_staff(make_locking_worker: MakeWorker) -> None:
    worker = await make_locking_worker()
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    await ana.ok("class:7", "phx_join")
    state = (await paula.ok("class:7", "phx_join"))["state"]
    assert (state["lockdown"], state["locks"]) == (False, 0)
    await paula.ok("class:7", "lock:set")
    assert await ana.refused("class:7", "message:send", {"text": "x"}) == "forbidden"
    await paula.ok("class:7", "message:send", {"text": "silêncio"})
    await paula.ok("class:7", "lock:clear")
    await ana.ok("class:7", "message:send", {"text": "x"})
    assert await stored(worker) == ["lock:locked", "message:sent", "lock:unlocked", "message:sent"]


async def test_lock_binds_a_worker_without_its_event(make_locking_worker: MakeWorker) -> None:
    one, ana, paula = await on_two_workers(make_locking_worker)
    await ana.ok("class:7", "message:send", {"text": "antes"})
    await paula.ok("class:7", "lock:set")
    assert await ana.refused("class:7", "message:send", {"text": "depois", "id": "a-2"}) == "forbidden"
    assert await stored(one) == ["message:sent", "lock:locked"]
    assert (await ana.has(1, "lock:locked"))[0]["seq"] == 2


async def test_allowed_push_is_stored_after_its_rerun(make_locking_worker: MakeWorker) -> None:
    _, ana, paula = await on_two_workers(make_locking_worker)
    await paula.ok("class:7", "lock:set")
    await paula.ok("class:7", "lock:clear")
    reply = await ana.ok("class:7", "message:send", {"text": "x"})
    assert reply["seq"] == 3
    assert [message["seq"] for message in await ana.has(1)] == [3]


async def test_reruns_keep_the_order_of_a_clients_pushes(make_locking_worker: MakeWorker) -> None:
    _, ana, paula = await on_two_workers(make_locking_worker)
    texts, refs = [str(number) for number in range(60)], []
    for start in range(0, 60, 20):
        await paula.ok("class:7", "lock:clear")  # governs, and forbids nothing
        for text in texts[start : start + 20]:
            refs.append(await ana.send("class:7", "message:send", {"text": text}))
            await asyncio.sleep(0)
    replies = [await ana.until(lambda frame, ref=ref: frame[1] == ref) for ref in refs]  # type: ignore[misc]
    assert [reply["response"].get("code") for reply in replies] == [None] * 60
    assert [message["text"] for message in await ana.has(60)] == texts


async def test_push_that_waits_does_not_overtake_one_under_way(make_locking_worker: MakeWorker) -> None:
    # The second message is checked against a lock that the first, still on its way, has not seen.
    worker = await make_locking_worker()
    paula = worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    refs = [
        await paula.send("class:7", event, payload)
        for event, payload in (
            ("message:send", {"text": "1"}),
            ("lock:set", {}),
            ("message:send", {"text": "2"}),
            ("lock:clear", {}),
            ("message:send", {"text": "3"}),
        )
    ]
    replies = [await paula.until(lambda frame, ref=ref: frame[1] == ref) for ref in refs]
    assert [reply["response"]["seq"] for reply in replies] == [1, 2, 3, 4, 5]


async def test_retry_of_a_stored_push_is_answered_despite_a_lock(
    make_locking_worker: MakeWorker,
) -> None:
    one, ana, paula = await on_two_workers(make_locking_worker)
    first = await ana.ok("class:7", "message:send", {"text": "uma vez", "id": "a-1"})
    await paula.ok("class:7", "lock:set")
    # Once where the worker does not know of the lock, once where it does.
    assert await ana.ok("class:7", "message:send", {"text": "uma vez", "id": "a-1"}) == first
    assert await ana.refused("class:7", "message:send", {"text": "outra", "id": "a-2"}) == "forbidden"
    assert await ana.ok("class:7", "message:send", {"text": "uma vez", "id": "a-1"}) == first
    assert await stored(one) == ["message:sent", "lock:locked"]


async def test_retry_repeats_none_of_several_effects(make_locking_worker: MakeWorker) -> None:
    worker = await make_locking_worker()
    paula, elsewhere = worker.connect(PAULA), worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    await elsewhere.ok("user:me", "phx_join")
    first = await paula.ok("class:7", "lock:set", {"id": "p-1"})
    assert await paula.ok("class:7", "lock:set", {"id": "p-1"}) == first
    assert [noted["topic"] for noted in await elsewhere.has(1, "lock:noted")] == ["class:7"]
    assert [told["topic"] for told in await elsewhere.has(1, "lock:told")] == ["class:7"]
    await paula.ok("class:7", "lock:set", {"id": "p-2"})
    assert len(await elsewhere.has(2, "lock:told")) == 2
    assert await stored(worker, "user:3") == ["lock:noted", "lock:noted"]


async def test_rerun_during_an_outage_is_refused_and_can_be_retried(
    make_locking_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, ana, paula = await on_two_workers(make_locking_worker)
    await paula.ok("class:7", "lock:set")
    await paula.ok("class:7", "lock:clear")

    async def away(*args: object) -> dict[str, int]:
        raise JournalUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(one.journal, "heads", away)
        assert await ana.refused("class:7", "message:send", {"text": "x", "id": "a-1"}) == "unavailable"
    assert (await ana.ok("class:7", "message:send", {"text": "x", "id": "a-1"}))["seq"] == 3


async def test_session_that_ends_while_its_push_runs_again_leaves_nothing_behind(
    make_locking_worker: MakeWorker,
) -> None:
    bus = nothing_arrives()
    one, two = await make_locking_worker(bus=bus), await make_locking_worker(bus=bus)
    ana, bruno, paula = one.connect(ANA), one.connect(BRUNO), two.connect(PAULA)
    for client in (ana, bruno, paula):
        await client.ok("class:7", "phx_join")
    await paula.ok("class:7", "lock:set")
    await ana.send("class:7", "message:send", {"text": "x"})
    ana.gone()
    assert await bruno.refused("class:7", "message:send", {"text": "y"}) == "forbidden"
    assert await stored(one) == ["lock:locked"]


async def test_state_of_every_worker_is_the_fold_of_the_journal(make_locking_worker: MakeWorker) -> None:
    lost = iter(range(10_000))
    bus = MemoryBus(lose=lambda envelope: next(lost) % 3 == 0)
    workers = [await make_locking_worker(bus=bus) for _ in range(3)]
    clients: list[Client] = []
    for worker in workers:
        for who in (ANA, PAULA):
            clients.append(worker.connect(who))
            await clients[-1].ok("class:7", "phx_join")
    refs = []
    for number in range(20):
        for client in clients:
            is_teacher = client.session.member is PAULA
            event = ("lock:set", "lock:clear", "announcement:send")[number % 3] if is_teacher else "message:send"
            payload = {"text": "x"} if event.endswith("send") else {}
            refs.append((client, await client.send("class:7", event, payload)))
    for client, ref in refs:
        await client.until(lambda frame, ref=ref: frame[1] == ref)  # type: ignore[misc]
    fresh = await make_locking_worker()
    expected = (await fresh.connect(ANA).ok("class:7", "phx_join"))["state"]
    for worker in workers:
        # A position past the end makes a worker look into the journal before it answers.
        joined = await worker.connect(ANA).ok("class:7", "phx_join", {"since": 9_999})
        assert joined["state"] == expected
    assert forbidden(await fresh.journal.after("class:7", 0, 1_000)) == []


def forbidden(events: Sequence[Event]) -> list[int]:
    """Return the positions of messages of students that stand after a lock and before the next unlock."""
    found, is_locked = [], False
    for event in events:
        is_locked = {"lock:locked": True, "lock:unlocked": False}.get(event.event, is_locked)
        if is_locked and event.event == "message:sent" and json.loads(event.payload)["author"]["role"] == "student":
            found.append(event.seq)
    return found


async def test_class_without_its_governing_row_still_takes_messages(make_locking_worker: MakeWorker) -> None:
    one, two = await make_locking_worker(), await make_locking_worker()
    paula = one.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    await paula.ok("class:7", "message:send", {"text": "1"})
    seq = (await paula.ok("class:7", "lock:set"))["seq"]
    await paula.ok("class:7", "message:send", {"text": "2"})
    async with one.journal._engine.begin() as connection:
        await connection.execute(delete(events_table).where(events_table.c.seq == seq))
    elsewhere = two.connect(ANA)
    await elsewhere.ok("class:7", "phx_join")
    assert (await elsewhere.ok("class:7", "message:send", {"text": "3"}))["seq"] == 4
