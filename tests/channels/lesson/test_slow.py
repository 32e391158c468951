"""Slow mode: a student sends once in so many seconds, on all devices and workers together."""

import asyncio
import json

import pytest

from channels.broker.memory import MemoryBus
from channels.lesson.slow import Slow
from channels.lesson.state import TopicState
from channels.limit import MAX_SLOW_SECONDS, Limits
from channels.wire.codec import Event
from tests.channels.support import ANA, BRUNO, PAULA, Client, MakeWorker, Worker


async def joined(worker: Worker, who: object) -> Client:
    client = worker.connect(who)  # type: ignore[arg-type]
    await client.ok("class:7", "phx_join")
    return client


async def test_student_waits_between_messages(worker: Worker) -> None:
    ana, bruno, paula = [await joined(worker, who) for who in (ANA, BRUNO, PAULA)]
    await paula.ok("class:7", "chat:slow", {"seconds": 60})
    sent = await ana.ok("class:7", "message:send", {"text": "1", "id": "a-1"})
    refused = (await ana.ask("class:7", "message:send", {"text": "2"}))["response"]
    assert refused["code"] == "slow"
    assert 0 < refused["retry_after"] <= 60_000
    assert await ana.ok("class:7", "message:send", {"text": "1", "id": "a-1"}) == sent
    await ana.ok("class:7", "message:edit", {"target": sent["seq"], "text": "1!"})
    await bruno.ok("class:7", "message:send", {"text": "3"})
    for text in ("4", "5"):
        await paula.ok("class:7", "message:send", {"text": text})
    await paula.ok("class:7", "chat:slow", {"seconds": 0})
    await ana.ok("class:7", "message:send", {"text": "6"})


async def test_student_may_send_again_after_the_time(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA), await joined(worker, PAULA)
    await paula.ok("class:7", "chat:slow", {"seconds": 1})
    await ana.ok("class:7", "message:send", {"text": "1"})
    refused = (await ana.ask("class:7", "message:send", {"text": "2"}))["response"]
    await asyncio.sleep(refused["retry_after"] / 1_000)
    await ana.ok("class:7", "message:send", {"text": "2"})


async def test_slow_mode_stands_in_the_state_and_has_a_bound(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA), await joined(worker, PAULA)
    assert (await worker.connect(BRUNO).ok("class:7", "phx_join"))["state"]["slow"] == {"seconds": 0}
    await paula.ok("class:7", "chat:slow", {"seconds": 10})
    assert [each["seconds"] for each in await ana.has(1, "chat:slowed")] == [10]
    assert (await worker.connect(BRUNO).ok("class:7", "phx_join"))["state"]["slow"] == {"seconds": 10}
    for seconds in (-1, MAX_SLOW_SECONDS + 1):
        assert await paula.refused("class:7", "chat:slow", {"seconds": seconds}) == "bad_payload"
    assert await ana.refused("class:7", "chat:slow", {"seconds": 0}) == "forbidden"


async def test_messages_sent_at_once_on_two_workers_count_once(make_worker: MakeWorker) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    workers = [await make_worker(bus=bus, limits=Limits(push_rate=0)) for _ in range(2)]
    devices = [await joined(worker, ANA) for worker in workers for _ in range(2)]
    paula = await joined(workers[0], PAULA)
    await paula.ok("class:7", "chat:slow", {"seconds": 600})
    refs = [(device, await device.send("class:7", "message:send", {"text": "x"})) for device in devices * 3]
    codes = [await reply_to(device, ref) for device, ref in refs]
    assert sorted(codes) == [*(["slow"] * 11), "stored"]
    events = [event.event for event in await workers[1].journal.after("class:7", 0, 100)]
    assert events == ["chat:slowed", "message:sent"]


async def reply_to(client: Client, ref: str) -> str:
    reply = await client.until(lambda frame: frame[1] == ref)
    code: str = reply["response"].get("code", "stored")
    return code


async def test_worker_that_loads_the_class_knows_who_has_just_sent(make_worker: MakeWorker) -> None:
    one = await make_worker()
    ana, paula = await joined(one, ANA), await joined(one, PAULA)
    for text in ("1", "2"):
        await ana.ok("class:7", "message:send", {"text": text})
    await paula.ok("class:7", "chat:slow", {"seconds": 600})
    await ana.ok("class:7", "message:send", {"text": "3"})
    two = await joined(await make_worker(), ANA)
    assert await two.refused("class:7", "message:send", {"text": "4"}) == "slow"


def slowed(seq: int, seconds: int) -> Event:
    return Event(seq, "chat:slowed", b'{"seconds":%d}' % seconds)


def sent(seq: int, user_id: int, at: int) -> Event:
    message = {"author": {"id": user_id, "name": "x", "role": "student"}, "at": at}
    return Event(seq, "message:sent", json.dumps(message).encode())


def test_messages_are_not_read_while_the_chat_is_not_slow() -> None:
    state = TopicState([Slow])
    kinds = [state.kinds]
    for seq, seconds in ((1, 10), (2, 0)):
        state.apply(slowed(seq, seconds))
        kinds.append(state.kinds)
    assert kinds == [("chat:slowed",), ("chat:slowed", "message:sent"), ("chat:slowed",)]


def test_state_keeps_no_more_than_who_sent_within_the_time() -> None:
    state = TopicState([Slow])
    state.apply(sent(1, 1, 0))
    state.apply(slowed(2, 10))
    for number in range(100):
        state.apply(sent(3 + number, number, 1_000 * number))
    assert sorted(state.of(Slow).dump().sent) == list(range(89, 100))


@pytest.mark.parametrize("cut", range(6))
def test_snapshot_and_later_events_make_the_same_state(cut: int) -> None:
    events = [slowed(1, 10), sent(2, 1, 1_000), sent(3, 2, 2_000), slowed(4, 30), sent(5, 1, 3_000)]
    whole, first, second = TopicState([Slow]), TopicState([Slow]), TopicState([Slow])
    for event in events:
        whole.apply(event)
    for event in events[:cut]:
        first.apply(event)
    assert second.load(first.dump())
    for event in events[cut:]:
        second.apply(event)
    assert second.dump() == whole.dump()
