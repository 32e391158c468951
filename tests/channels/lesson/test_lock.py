"""A locked chat: what it refuses, to whom, and that it binds on every worker."""

import json

import pytest

from channels.broker.memory import MemoryBus
from tests.channels.support import ANA, DIRETORA, PAULA, Client, MakeWorker, Worker

WRITING: dict[str, dict[str, object]] = {
    "message:send": {"text": "oi"},
    "message:edit": {"target": 1, "text": "oi"},
    "typing:start": {},
}


async def in_class(worker: Worker) -> tuple[Client, Client]:
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    await ana.ok("class:7", "phx_join")
    await paula.ok("class:7", "phx_join")
    return ana, paula


@pytest.mark.parametrize("event", WRITING)
async def test_students_cannot_write_while_the_chat_is_locked(worker: Worker, event: str) -> None:
    ana, paula = await in_class(worker)
    await ana.ok("class:7", "message:send", {"text": "antes"})
    await paula.ok("class:7", "chat:lock", {"notes": True})
    assert await ana.refused("class:7", event, WRITING[event]) == "locked"
    await paula.ok("class:7", "message:send", {"text": "silêncio"})
    await paula.ok("class:7", "chat:unlock")
    await ana.ok("class:7", event, WRITING[event])


async def test_student_reads_and_takes_back_while_the_chat_is_locked(worker: Worker) -> None:
    ana, paula = await in_class(worker)
    sent = await ana.ok("class:7", "message:send", {"text": "ops"})
    await paula.ok("class:7", "chat:lock", {"notes": False})
    await ana.ok("class:7", "history:read", {"after": 0})
    await ana.ok("class:7", "read:mark", {"seq": sent["seq"]})
    await ana.ok("class:7", "message:hide", {"target": sent["seq"]})


async def test_class_is_told_who_locked_and_unlocked(worker: Worker) -> None:
    ana, paula = await in_class(worker)
    locked = await paula.ok("class:7", "chat:lock", {"notes": True, "id": "p-1"})
    assert await paula.ok("class:7", "chat:lock", {"notes": True, "id": "p-1"}) == locked
    author = {"id": 3, "name": "Paula", "role": "teacher"}
    assert await ana.has(1, "chat:locked") == [{"notes": True, "author": author, "id": "p-1", **locked}]
    late = await worker.connect(DIRETORA).ok("class:7", "phx_join")
    assert late["state"]["lock"] == {"notes": True, "author": author, "at": locked["at"]}
    unlocked = await paula.ok("class:7", "chat:unlock")
    assert await ana.has(1, "chat:unlocked") == [{"author": author, **unlocked}]
    assert (await worker.connect(ANA).ok("class:7", "phx_join"))["state"]["lock"] is None


async def test_students_cannot_lock_or_unlock(worker: Worker) -> None:
    ana, _ = await in_class(worker)
    assert await ana.refused("class:7", "chat:lock", {"notes": False}) == "forbidden"
    assert await ana.refused("class:7", "chat:unlock") == "forbidden"


async def test_lock_binds_a_worker_without_its_event(make_worker: MakeWorker) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus=bus), await make_worker(bus=bus)
    ana, paula = one.connect(ANA), two.connect(PAULA)
    await ana.ok("class:7", "phx_join")
    await paula.ok("class:7", "phx_join")
    await paula.ok("class:7", "chat:lock")
    assert await ana.refused("class:7", "message:send", {"text": "depois", "id": "a-1"}) == "locked"
    assert [event.event for event in await one.journal.after("class:7", 0, 10)] == ["chat:locked"]


async def test_error_has_a_code_and_words(worker: Worker) -> None:
    ana, paula = await in_class(worker)
    await paula.ok("class:7", "chat:lock")
    reply = await ana.ask("class:7", "message:send", {"text": "oi"})
    assert json.dumps(reply["response"]) == json.dumps(
        {"code": "locked", "message": "the chat is locked", "reason": "locked"}
    )
