"""Reactions are part of the message; a class that reacts at once costs its other pushes nothing."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.memory import MemoryBus
from channels.journal.tables import topics_table, versions_table
from channels.limit import NEWEST_EVENTS, Limits
from tests.channels.support import ANA, BRUNO, CLASS, PAULA, Worker, member

TOPIC = CLASS.topic
PUPILS = [member(100 + number, f"Pupil {number}", "student", CLASS) for number in range(30)]


async def joined(worker: Worker, *members: Any) -> list[Any]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        await client.ok(TOPIC, "phx_join")
    return clients


async def say(client: Any, text: str = "Entenderam?") -> int:
    seq: int = (await client.ok(TOPIC, "message:send", {"text": text}))["seq"]
    return seq


async def reactions(worker: Worker, target: int) -> dict[str, list[str]]:
    """Return who has reacted to a message, by emoji: in what a join returns and in the journal, the same."""
    client = worker.connect(PAULA)
    remembered = (await client.ok(TOPIC, "phx_join"))["events"]
    stored = (await client.ok(TOPIC, "history:read", {"before": target + 1, "limit": 1}))["events"]
    (message,) = [event["payload"] for event in remembered if event["payload"]["seq"] == target]
    assert message == stored[0]["payload"]
    return {each["emoji"]: [user["name"] for user in each["users"]] for each in message.get("reactions", [])}


async def test_message_lists_who_has_reacted(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await say(paula)
    await bruno.ok(TOPIC, "message:react", {"target": target, "emoji": "✅"})
    await ana.ok(TOPIC, "message:react", {"target": target, "emoji": "✅"})
    await ana.ok(TOPIC, "message:react", {"target": target, "emoji": "👍"})
    first, _, _ = await paula.has(3, "message:reacted")
    assert (first["target"], first["emoji"], first["author"]["name"]) == (target, "✅", "Bruno")
    assert await reactions(worker, target) == {"👍": ["Ana"], "✅": ["Bruno", "Ana"]}


async def test_reaction_taken_back_is_gone(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await say(paula)
    await ana.ok(TOPIC, "message:react", {"target": target, "emoji": "👍"})
    await ana.ok(TOPIC, "message:unreact", {"target": target, "emoji": "👍"})
    assert (await paula.has(1, "message:unreacted"))[0]["author"]["name"] == "Ana"
    assert await reactions(worker, target) == {}


async def test_second_reaction_of_one_user_with_one_emoji_is_refused(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await say(paula)
    push = {"target": target, "emoji": "👍", "id": "r1"}
    replies = [await ana.ok(TOPIC, "message:react", push) for _ in range(2)]
    assert replies[0] == replies[1]
    assert await ana.refused(TOPIC, "message:react", push | {"id": "r2"}) == "forbidden"
    assert await paula.refused(TOPIC, "message:unreact", push) == "forbidden"
    assert await reactions(worker, target) == {"👍": ["Ana"]}


async def test_two_devices_that_react_at_once_count_once(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    devices = [*await joined(here, ANA), *await joined(there, ANA)]
    target = await say(devices[0])
    await devices[1].has(1)
    push = {"target": target, "emoji": "🎉"}
    await asyncio.gather(*(device.ask(TOPIC, "message:react", push) for device in devices))
    for worker in (here, there):
        await worker.engine._hub.check()
        assert await reactions(worker, target) == {"🎉": ["Ana"]}


async def test_flurry_of_reactions_is_counted_exactly_and_governs_nothing(
    make_worker: Callable[..., Any], database: AsyncEngine
) -> None:
    bus = MemoryBus()
    workers = [await make_worker(bus), await make_worker(bus)]
    (paula,) = await joined(workers[0], PAULA)
    pupils = [(await joined(workers[number % 2], who))[0] for number, who in enumerate(PUPILS)]
    target = await say(paula)
    for client in pupils:
        await client.has(1)
    pushes = [pupil.ok(TOPIC, "message:react", {"target": target, "emoji": "✅"}) for pupil in pupils]
    await asyncio.gather(*pushes, say(paula, "Muito bem!"))
    for client in (paula, pupils[1]):
        await client.has(30, "message:reacted")
    for worker in workers:
        found = await reactions(worker, target)
        assert sorted(found["✅"]) == sorted(pupil.user.name for pupil in PUPILS)
    async with database.connect() as connection:
        assert await connection.scalar(select(topics_table.c.governed)) == 0
        assert (await connection.execute(select(versions_table))).all() == []


async def test_reactions_do_not_push_messages_out_of_a_join(make_worker: Callable[..., Any]) -> None:
    worker = await make_worker(limits=Limits(push_rate=0))
    ana, paula = await joined(worker, ANA, PAULA)
    for number in range(NEWEST_EVENTS):
        target = await say(paula, str(number))
        event = "message:unreact" if number % 2 else "message:react"
        await ana.ok(TOPIC, event, {"target": target - number % 2 * 2, "emoji": "👍"})
    events = (await worker.connect(BRUNO).ok(TOPIC, "phx_join"))["events"]
    assert sum(event["event"] == "message:sent" for event in events) == NEWEST_EVENTS


async def test_edit_keeps_reactions_and_a_hidden_message_takes_none(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    target = await say(ana)
    await bruno.ok(TOPIC, "message:react", {"target": target, "emoji": "👍"})
    await ana.ok(TOPIC, "message:edit", {"target": target, "text": "Entendido?"})
    assert await reactions(worker, target) == {"👍": ["Bruno"]}
    await ana.ok(TOPIC, "message:hide", {"target": target})
    assert await ana.refused(TOPIC, "message:react", {"target": target, "emoji": "👍"}) == "forbidden"


async def test_reactions_to_one_message_are_bounded(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.lesson.reactions.MAX_REACTIONS", 1)
    ana, bruno = await joined(worker, ANA, BRUNO)
    target = await say(ana)
    await ana.ok(TOPIC, "message:react", {"target": target, "emoji": "👍"})
    assert await bruno.refused(TOPIC, "message:react", {"target": target, "emoji": "👍"}) == "forbidden"


@pytest.mark.parametrize("push", [{"target": 1, "emoji": "💩"}, {"target": 99, "emoji": "👍"}], ids=["emoji", "target"])
async def test_other_emoji_and_targets_are_refused(worker: Worker, push: dict[str, Any]) -> None:
    (ana,) = await joined(worker, ANA)
    await say(ana)
    assert await ana.refused(TOPIC, "message:react", push) == "bad_payload"
