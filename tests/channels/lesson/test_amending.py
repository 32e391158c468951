"""Messages are edited, hidden and restored; their former words are in nothing that a client gets."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.lesson.amending import EDIT_MS
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker

CLASS = "class:7"
WORD = "palavrão"


async def joined(worker: Worker, *members: Any) -> list[Any]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        await client.ok(CLASS, "phx_join")
    return clients


async def sent(client: Any, text: str = WORD, push_id: str = "m1") -> int:
    seq: int = (await client.ok(CLASS, "message:send", {"text": text, "id": push_id}))["seq"]
    return seq


async def history(client: Any) -> list[Any]:
    page = await client.ok(CLASS, "history:read", {"before": 1_000, "limit": 100})
    events: list[Any] = page["events"]
    return events


async def everything(worker: Worker, member: Any = BRUNO) -> str:
    """Return all that a client gets that joins now: the newest events, the state, what it missed, the history."""
    client = worker.connect(member)
    replies = [await client.ok(CLASS, "phx_join"), await client.ok(CLASS, "phx_join", {"since": 0})]
    return json.dumps([replies, await history(client)], ensure_ascii=False)


async def test_author_edits_a_message_and_all_see_the_new_text(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    target = await sent(ana)
    await ana.ok(CLASS, "message:edit", {"target": target, "text": "palavra"})
    (edited,) = await bruno.has(1, "message:edited")
    assert (edited["target"], edited["text"], edited["author"]["id"]) == (target, "palavra", 1)
    (message, _) = await history(bruno)
    assert message["payload"]["text"] == "palavra"
    assert message["payload"]["edited"] == edited["at"]
    assert (message["payload"]["id"], message["payload"]["seq"]) == ("m1", target)
    assert WORD not in await everything(worker)


async def test_words_of_a_hidden_message_are_in_nothing_that_a_client_gets(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await sent(ana, "antes")
    await ana.ok(CLASS, "message:edit", {"target": target, "text": WORD})
    await paula.ok(CLASS, "message:hide", {"target": target, "reason": "ofensa"})
    (message, edited, hidden) = await history(ana)
    assert message["payload"]["text"] == edited["payload"]["text"] == ""
    assert message["payload"]["hidden"] == {"by": hidden["payload"]["author"], "reason": "ofensa"}
    found = await everything(worker)
    assert WORD not in found
    assert "antes" not in found


async def test_hidden_words_leave_the_memory_of_every_worker(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    ana, paula = await joined(here, ANA, PAULA)
    (bruno,) = await joined(there, BRUNO)
    target = await sent(ana)
    await bruno.has(1, "message:sent")
    await paula.ok(CLASS, "message:hide", {"target": target})
    await bruno.has(1, "message:hidden")
    for worker in (here, there):
        recent = worker.engine._hub.topics[CLASS].recent
        assert [event.event for event in recent] == ["message:sent", "message:hidden"]
        assert all(WORD not in event.payload.decode() for event in recent)
        assert WORD not in await everything(worker)


async def test_client_that_was_away_gets_the_amended_message(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    target = await sent(ana)
    await ana.ok(CLASS, "message:hide", {"target": target})
    rejoined = await bruno.ok(CLASS, "phx_join", {"since": target})
    assert [event["event"] for event in rejoined["events"]] == ["message:hidden"]
    assert rejoined["complete"] is True


async def test_restored_message_has_its_words_again(worker: Worker) -> None:
    ana, paula, bruno = await joined(worker, ANA, PAULA, BRUNO)
    target = await sent(ana, "tudo bem")
    await paula.ok(CLASS, "message:hide", {"target": target})
    await paula.ok(CLASS, "message:restore", {"target": target})
    (restored,) = await bruno.has(1, "message:restored")
    assert restored["text"] == "tudo bem"
    message = (await history(bruno))[0]["payload"]
    assert message["text"] == "tudo bem"
    assert "hidden" not in message


async def test_message_hidden_again_after_its_return_has_no_words(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await sent(ana)
    for event in ("hide", "restore", "hide"):
        await paula.ok(CLASS, f"message:{event}", {"target": target})
    assert WORD not in await everything(worker)
    await paula.ok(CLASS, "message:restore", {"target": target})
    assert WORD in await everything(worker)


@pytest.mark.parametrize(
    ("who", "event", "more"),
    [
        (BRUNO, "message:edit", {"text": "não"}),
        (PAULA, "message:edit", {"text": "não"}),
        (BRUNO, "message:hide", {}),
        (ANA, "message:restore", {}),
    ],
    ids=["pupil edits", "teacher edits", "pupil hides", "restores what is not hidden"],
)
async def test_amending_without_the_right_is_forbidden(
    worker: Worker, who: Any, event: str, more: dict[str, str]
) -> None:
    ana, other = await joined(worker, ANA, who)
    target = await sent(ana)
    assert await other.refused(CLASS, event, {"target": target, **more}) == "forbidden"
    assert [each["event"] for each in await history(ana)] == ["message:sent"]


async def test_pupil_cannot_restore_what_a_teacher_hid_but_the_principal_can(worker: Worker) -> None:
    ana, paula, diretora = await joined(worker, ANA, PAULA, DIRETORA)
    target = await sent(ana)
    await paula.ok(CLASS, "message:hide", {"target": target})
    assert await ana.refused(CLASS, "message:restore", {"target": target}) == "forbidden"
    assert await ana.refused(CLASS, "message:edit", {"target": target, "text": "x"}) == "forbidden"
    await diretora.ok(CLASS, "message:restore", {"target": target})


async def test_message_cannot_be_edited_after_five_minutes(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    (ana,) = await joined(worker, ANA)
    target = await sent(ana)
    monkeypatch.setattr("channels.engine.pushes._now", lambda: 10**15)
    assert EDIT_MS == 300_000
    assert await ana.refused(CLASS, "message:edit", {"target": target, "text": "x"}) == "forbidden"


@pytest.mark.parametrize("target", [0, 2, 999])
async def test_position_without_a_message_is_refused(worker: Worker, target: int) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await sent(ana)
    await paula.ok(CLASS, "announcement:send", {"text": "Prova"})
    assert await paula.refused(CLASS, "message:hide", {"target": target}) == "bad_payload"


async def test_retried_hide_counts_once_though_it_is_hidden_now(worker: Worker) -> None:
    (ana,) = await joined(worker, ANA)
    target = await sent(ana)
    replies = [await ana.ok(CLASS, "message:hide", {"target": target, "id": "h1"}) for _ in range(2)]
    assert replies[0] == replies[1]
    assert [each["event"] for each in await history(ana)] == ["message:sent", "message:hidden"]


async def test_edit_and_hide_at_once_never_show_the_words(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    (ana,) = await joined(here, ANA)
    (paula,) = await joined(there, PAULA)
    target = await sent(ana, "antes")
    await paula.has(1, "message:sent")
    editing = asyncio.create_task(ana.ask(CLASS, "message:edit", {"target": target, "text": WORD}))
    await paula.ok(CLASS, "message:hide", {"target": target})
    await editing  # was stored before, or refused
    for worker in (here, there):
        assert WORD not in await everything(worker)
