"""Announcements are corrected and withdrawn, in every topic that they went to; former words are in nothing."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from tests.channels.lesson.test_announcing import BOTH, CAIO, ME, joined
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker

WORD = "errado"


async def everything(worker: Worker, *topics: str) -> str:
    """Return all that a client gets that joins now: newest events, state, what it missed, history."""
    client = await joined(worker, CAIO)
    found: list[Any] = []
    for topic in topics or ("class:7",):
        found += [await client.ok(topic, "phx_join"), await client.ok(topic, "phx_join", {"since": 0})]
        found += [await client.ok(topic, "history:read", {"before": 1_000})]
    return json.dumps(found, ensure_ascii=False)


async def test_corrected_announcement_has_its_new_words_everywhere(worker: Worker) -> None:
    diretora, caio = await joined(worker, DIRETORA, ME, *BOTH), await joined(worker, CAIO, *BOTH)
    sent = await diretora.ok(ME, "announcement:send", {"text": WORD, "title": "Passeio", "to": BOTH})
    await diretora.ok("class:7", "announcement:correct", {"target": sent["seq"], "text": "certo", "title": "Ida"})
    here, there = await caio.has(2, "announcement:corrected")
    assert (here["text"], there["text"], here["title"]) == ("certo", "certo", "Ida")
    found = await everything(worker, *BOTH)
    assert WORD not in found
    state = (await worker.connect(CAIO).ok("class:8", "phx_join"))["state"]["announcements"]
    assert [each["payload"]["text"] for each in state] == ["certo"]
    assert state[0]["payload"]["corrected"] == there["at"]


async def test_withdrawn_announcement_has_no_words_anywhere(worker: Worker) -> None:
    diretora = await joined(worker, DIRETORA, ME, *BOTH)
    sent = await diretora.ok(ME, "announcement:send", {"text": "antes", "title": WORD, "to": BOTH})
    target = {"target": sent["seq"]}
    await diretora.ok("class:7", "announcement:correct", {**target, "text": WORD})
    await diretora.ok("class:7", "announcement:withdraw", target)
    found = await everything(worker, *BOTH)
    assert WORD not in found
    assert "antes" not in found
    assert '"withdrawn"' in found
    assert await diretora.refused("class:7", "announcement:correct", {**target, "text": "x"}) == "forbidden"


async def test_withdrawn_words_leave_the_memory_of_every_worker(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    paula, bruno = await joined(here, PAULA, "class:7"), await joined(there, BRUNO, "class:7")
    sent = await paula.ok("class:7", "announcement:send", {"text": WORD})
    await bruno.has(1, "announcement:sent")
    await paula.ok("class:7", "announcement:withdraw", {"target": sent["seq"]})
    await bruno.has(1, "announcement:withdrawn")
    for worker in (here, there):
        topic = worker.engine._hub.topics["class:7"]
        assert all(WORD not in event.payload.decode() for event in topic.recent)
        assert WORD not in topic.state.dump().decode("utf-8", "replace")


async def test_changes_are_pushed_in_any_of_the_topics(worker: Worker) -> None:
    diretora = await joined(worker, DIRETORA, ME, *BOTH)
    await diretora.ok(ME, "announcement:send", {"text": WORD, "to": BOTH, "id": "a1"})
    await diretora.ok("class:8", "announcement:correct", {"target": 1, "text": WORD})
    await diretora.ok("class:8", "announcement:withdraw", {"target": 1})
    assert WORD not in await everything(worker, *BOTH)


async def test_changes_at_once_in_two_topics_leave_no_words(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    one, other = await joined(here, DIRETORA, ME, *BOTH), await joined(there, DIRETORA, *BOTH)
    await one.ok(ME, "announcement:send", {"text": "antes", "to": BOTH})
    await other.has(2, "announcement:sent")
    correcting = asyncio.create_task(one.ask("class:7", "announcement:correct", {"target": 1, "text": WORD}))
    await other.ok("class:8", "announcement:withdraw", {"target": 1})
    await correcting  # was stored before, or refused
    for worker in (here, there):
        assert WORD not in await everything(worker, *BOTH)


@pytest.mark.parametrize("event", ["correct", "withdraw"])
async def test_only_author_and_principal_change_an_announcement(worker: Worker, event: str) -> None:
    paula, diretora, ana = [await joined(worker, who, "class:7") for who in (PAULA, DIRETORA, ANA)]
    sent = await diretora.ok("class:7", "announcement:send", {"text": "x"})
    wanted = {"target": sent["seq"], **({"text": "y"} if event == "correct" else {})}
    assert await paula.refused("class:7", f"announcement:{event}", wanted) == "forbidden"
    assert await ana.refused("class:7", f"announcement:{event}", wanted) == "forbidden"
    teachers = {**wanted, "target": (await paula.ok("class:7", "announcement:send", {"text": "x"}))["seq"]}
    if event == "correct":
        assert await diretora.refused("class:7", "announcement:correct", teachers) == "forbidden"
    else:
        await diretora.ok("class:7", "announcement:withdraw", teachers)


async def test_correction_and_withdrawal_at_once_leave_no_words(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    paula, diretora = await joined(here, PAULA, "class:7"), await joined(there, DIRETORA, "class:7")
    target = {"target": (await paula.ok("class:7", "announcement:send", {"text": "antes"}))["seq"]}
    await diretora.has(1, "announcement:sent")
    correcting = asyncio.create_task(paula.ask("class:7", "announcement:correct", {**target, "text": WORD}))
    await diretora.ok("class:7", "announcement:withdraw", target)
    await correcting  # was stored before, or refused
    for worker in (here, there):
        assert WORD not in await everything(worker)


async def test_retried_withdrawal_counts_once(worker: Worker) -> None:
    paula = await joined(worker, PAULA, "class:7")
    sent = await paula.ok("class:7", "announcement:send", {"text": "x"})
    wanted = {"target": sent["seq"], "id": "w1"}
    replies = [await paula.ok("class:7", "announcement:withdraw", wanted) for _ in range(2)]
    assert replies[0] == replies[1]
