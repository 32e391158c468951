"""Staff pins messages of a class; everybody sees them on top, with the words that they have now."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from channels.broker.memory import MemoryBus
from channels.lesson.pins import Pin, Pins
from channels.limit import MAX_PINS
from channels.wire.codec import Event
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker

CLASS = "class:7"


async def joined(worker: Worker, *members: Any) -> list[Any]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        await client.ok(CLASS, "phx_join")
    return clients


async def say(client: Any, text: str = "Página 42") -> int:
    seq: int = (await client.ok(CLASS, "message:send", {"text": text}))["seq"]
    return seq


async def pins(worker: Worker) -> list[Any]:
    found: list[Any] = (await worker.connect(BRUNO).ok(CLASS, "phx_join"))["state"]["pins"]
    return found


async def test_pinned_messages_are_in_the_state_of_a_join(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    for text in ("Página 42", "Prova na sexta"):
        await paula.ok(CLASS, "message:pin", {"target": await say(paula, text)})
    (first, second) = await ana.has(2, "message:pinned")
    paula_user = {"id": 3, "name": "Paula", "role": "teacher"}
    assert first["quote"] == {"author": paula_user, "text": "Página 42"}
    assert [pin["target"] for pin in await pins(worker)] == [first["target"], second["target"]]
    assert (await pins(worker))[1]["author"] == paula_user


async def test_unpinned_message_leaves_the_state(worker: Worker) -> None:
    ana, paula, diretora = await joined(worker, ANA, PAULA, DIRETORA)
    target = await say(ana)
    await paula.ok(CLASS, "message:pin", {"target": target})
    await diretora.ok(CLASS, "message:unpin", {"target": target})
    assert (await ana.has(1, "message:unpinned"))[0]["target"] == target
    assert await pins(worker) == []
    assert await paula.refused(CLASS, "message:unpin", {"target": target}) == "forbidden"


async def test_words_of_a_pin_follow_its_message(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await say(ana, "antes")
    await paula.ok(CLASS, "message:pin", {"target": target})
    texts = []
    for who, event, more in ((ana, "edit", {"text": "palavrão"}), (paula, "hide", {}), (paula, "restore", {})):
        await who.ok(CLASS, f"message:{event}", {"target": target, **more})
        page = await ana.ok(CLASS, "history:read", {"before": 100, "event": "message:pinned"})
        texts.append(((await pins(worker))[0]["quote"]["text"], page["events"][0]["payload"]["quote"]["text"]))
    assert texts == [("palavrão", "palavrão"), ("", ""), ("palavrão", "palavrão")]


@pytest.mark.parametrize("event", ["message:pin", "message:unpin"])
async def test_pupils_may_not_pin(worker: Worker, event: str) -> None:
    (ana,) = await joined(worker, ANA)
    assert await ana.refused(CLASS, event, {"target": await say(ana)}) == "forbidden"


async def test_hidden_pinned_and_missing_messages_are_not_pinned(worker: Worker) -> None:
    (paula,) = await joined(worker, PAULA)
    hidden, pinned = await say(paula), await say(paula)
    await paula.ok(CLASS, "message:hide", {"target": hidden})
    await paula.ok(CLASS, "message:pin", {"target": pinned})
    for target in (hidden, pinned):
        assert await paula.refused(CLASS, "message:pin", {"target": target}) == "forbidden"
    assert await paula.refused(CLASS, "message:pin", {"target": 99}) == "bad_payload"


async def test_pins_of_two_workers_at_once_stay_within_the_bound(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    (paula,), (diretora,) = await joined(here, PAULA), await joined(there, DIRETORA)
    targets = [await say(paula, str(number)) for number in range(MAX_PINS + 1)]
    for target in targets[:-2]:
        await paula.ok(CLASS, "message:pin", {"target": target})
    await diretora.has(MAX_PINS - 1, "message:pinned")
    pushes = [paula.ask(CLASS, "message:pin", {"target": targets[-2]})]
    pushes += [diretora.ask(CLASS, "message:pin", {"target": targets[-1]})]
    assert sorted(reply["status"] for reply in await asyncio.gather(*pushes)) == ["error", "ok"]
    assert len(await pins(there)) == MAX_PINS


def test_pins_go_on_from_a_snapshot() -> None:
    user = {"id": 1, "name": "Ana", "role": "student"}
    quoted = {"target": 3, "quote": {"author": user, "text": "Oi"}, "author": user}
    pins = Pins()
    pins.apply(Event(4, "message:pinned", msgspec.json.encode(quoted)))
    copy = Pins()
    copy.load(msgspec.msgpack.decode(msgspec.msgpack.encode(pins.dump()), type=list[Pin]))
    for each in (pins, copy):
        each.apply(Event(5, "message:edited", msgspec.json.encode({"target": 3, "text": "Olá", "author": user})))
        assert msgspec.to_builtins(each.view()) == [{**quoted, "quote": {"author": user, "text": "Olá"}}]
        each.apply(Event(6, "message:hidden", b'{"target":3}'))
        assert each.view()[0].quote.text == ""
