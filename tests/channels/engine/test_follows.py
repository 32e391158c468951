"""Answers that go on: who shares one, how often it is read again, and when it ends."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from channels.engine import follows
from channels.engine.engine import Periods
from channels.errors import Code, Refused, Unavailable
from channels.event import Delivery, EventType
from channels.lesson.feature import Action, Follow, Push
from channels.lesson.rules import Role
from server.asyncapi import TABLES, Tables
from tests.channels.support import ANA, BRUNO, CLASS, DIRETORA, PAULA, Client, MakeWorker, Worker


class Ask(msgspec.Struct, frozen=True):
    """Ask how far the topic has been read."""

    target: int = 1
    id: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """How many have read it."""

    target: int
    read: int


TOLD = EventType("test:told", Answer, Delivery.SNAPSHOT)


class Asked:
    """How often the action ran."""

    def __init__(self) -> None:
        self.count = 0
        self.failure: Exception | None = None  # raised in place of an answer
        self.refused: set[str] = set()  # the names of those who are refused
        self.unseen = 0  # readers whose marks are not stored yet

    async def run(self, push: Push[Ask]) -> Follow[Answer]:
        self.count += 1
        if self.failure is not None:
            raise self.failure
        if push.member.user.name in self.refused:
            raise Refused(Code.FORBIDDEN, "not any more")
        readers = await push.journal.readers(push.topic.name, push.payload.target)
        answer = Answer(push.payload.target, len(readers) - self.unseen)
        return Follow(answer, TOLD, push.payload.target, {push.topic.name: push.payload.target})


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
async def worker(make_worker: MakeWorker, asked: Asked) -> Worker:
    action = Action("test:ask", Ask, asked.run, Answer, emits=(TOLD,))
    return await make_worker(tables=_tables(action), periods=Periods(follow=0.005))


def _tables(action: Action[Any, Any]) -> Tables:
    def with_action(role: Role) -> Role:
        rule = role.topics["class"]
        allowed = msgspec.structs.replace(rule, actions={**rule.actions, action.event: action})
        return replace(role, topics={**role.topics, "class": allowed})

    roles = tuple(with_action(role) if "class" in role.topics else role for role in TABLES.roles)
    return replace(TABLES, roles=roles)


async def joined(worker: Worker, who: Any) -> Client:
    client = worker.connect(who)
    await client.ok("class:7", "phx_join")
    return client


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.002)


def told(client: Client) -> list[int]:
    return [each["read"] for each in client.got("test:told")]


async def test_sessions_that_ask_the_same_share_each_look(worker: Worker, asked: Asked) -> None:
    clients = [await joined(worker, PAULA) for _ in range(5)]
    ana = await joined(worker, ANA)
    await ana.ok("class:7", "message:send", {"text": "x"})
    for client in clients:
        assert (await client.ok("class:7", "test:ask"))["read"] == 0
    await until(lambda: len(worker.engine._pushes.follows._groups) == 1)
    await ana.ok("class:7", "read:mark", {"seq": 1})
    await until(lambda: all(told(client) == [1] for client in clients))


async def test_nothing_is_read_while_nothing_moves(
    worker: Worker, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follows, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(follows, "PAUSE_SECONDS", 100.0)
    paula, ana = await joined(worker, PAULA), await joined(worker, ANA)
    await paula.ok("class:7", "test:ask")
    await until(lambda: asked.count == 2)
    for _ in range(20):
        await ana.ok("class:7", "message:send", {"text": "x"})
    assert asked.count == 2
    assert told(paula) == []


async def test_delivery_by_this_worker_is_looked_at(
    worker: Worker, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follows, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(follows, "PAUSE_SECONDS", 100.0)
    paula, _ = await joined(worker, PAULA), await joined(worker, ANA)
    await paula.ok("class:7", "test:ask")
    await until(lambda: asked.count == 2)
    await paula.ok("class:7", "announcement:send", {"text": "x"})
    await until(lambda: asked.count == 3)


async def test_what_memory_does_not_tell_is_found_after_a_while(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follows, "UNASKED_SECONDS", 0.0)
    paula, ana = await joined(worker, PAULA), await joined(worker, ANA)
    await ana.ok("class:7", "message:send", {"text": "x"})
    await paula.ok("class:7", "test:ask")
    worker.engine._hub.topics["class:7"].reads = FrozenReads()
    await ana.ok("class:7", "read:mark", {"seq": 1})
    await until(lambda: told(paula) == [1])


class FrozenReads(dict[int, int]):
    """Reads of which memory learns nothing."""

    def __setitem__(self, key: int, value: int) -> None:
        return


@pytest.mark.parametrize(
    "failure", [Unavailable("away"), Refused(Code.OVERLOADED, "too much", retry_after=1), ZeroDivisionError()], ids=str
)
async def test_look_that_fails_is_made_again(
    worker: Worker, asked: Asked, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follows, "SETTLE_SECONDS", 0.0)
    paula, ana = await joined(worker, PAULA), await joined(worker, ANA)
    await ana.ok("class:7", "message:send", {"text": "x"})
    await paula.ok("class:7", "test:ask")
    asked.failure = failure
    await ana.ok("class:7", "read:mark", {"seq": 1})
    count = asked.count
    await until(lambda: asked.count > count + 1)
    asked.failure = None
    await until(lambda: told(paula) == [1])


async def test_mark_that_is_stored_late_is_told(worker: Worker, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follows, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(follows, "PAUSE_SECONDS", 0.01)
    paula, ana = await joined(worker, PAULA), await joined(worker, ANA)
    await ana.ok("class:7", "message:send", {"text": "x"})
    await paula.ok("class:7", "test:ask")
    asked.unseen = 1
    await ana.ok("class:7", "read:mark", {"seq": 1})
    count = asked.count
    await until(lambda: asked.count > count + 2)
    asked.unseen = 0
    await until(lambda: told(paula)[-1:] == [1])


async def test_one_follower_who_is_refused_does_not_end_the_others(worker: Worker, asked: Asked) -> None:
    paula, diretora, ana = await joined(worker, PAULA), await joined(worker, DIRETORA), await joined(worker, ANA)
    await ana.ok("class:7", "message:send", {"text": "x"})
    for client in (paula, diretora):
        await client.ok("class:7", "test:ask")
    asked.refused.add(PAULA.user.name)
    await ana.ok("class:7", "read:mark", {"seq": 1})
    await until(lambda: told(diretora) == [1])
    assert told(paula) == []


async def test_nobody_follows_on_without_the_right_of_their_own(worker: Worker) -> None:
    bruno, paula = await joined(worker, BRUNO), await joined(worker, PAULA)
    for client in (paula, bruno):
        await client.ok("class:7", "message:send", {"text": "x"})
        await client.ok("class:7", "test:ask", {"target": 2})
    ended = {7: msgspec.structs.replace(CLASS, ended=True)}
    bruno.session.member = msgspec.structs.replace(
        BRUNO, classes=ended
    )  # before the engine has closed what he may not join
    await paula.ok("class:7", "read:mark", {"seq": 2})
    await until(lambda: told(paula) == [1])
    assert told(bruno) == []


async def test_older_answer_than_the_others_is_put_right(worker: Worker, asked: Asked) -> None:
    paula, diretora, ana = await joined(worker, PAULA), await joined(worker, DIRETORA), await joined(worker, ANA)
    await ana.ok("class:7", "message:send", {"text": "x"})
    await paula.ok("class:7", "test:ask")
    await ana.ok("class:7", "read:mark", {"seq": 1})
    await until(lambda: told(paula) == [1])
    asked.unseen = 1
    assert (await diretora.ok("class:7", "test:ask"))["read"] == 0  # read before it was stored, answered after
    asked.unseen = 0
    await until(lambda: told(diretora)[-1:] == [1])


async def test_answer_ends_with_the_right_to_it(worker: Worker) -> None:
    bruno = await joined(worker, BRUNO)
    await bruno.ok("class:7", "test:ask")
    groups = worker.engine._pushes.follows._groups
    assert len(groups) == 1
    await bruno.ok("class:7", "phx_leave")
    await until(lambda: not groups)
    await until(lambda: worker.engine._hub.topics["class:7"].holds == 0)


async def test_oldest_answer_ends_past_the_bound(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follows, "MAX_FOLLOWED", 3)
    paula = await joined(worker, PAULA)
    for target in range(1, 6):
        await paula.ok("class:7", "test:ask", {"target": target})
    groups = worker.engine._pushes.follows._groups
    await until(lambda: {group.answer.target for group in groups.values()} == {3, 4, 5})


async def test_asking_anew_about_a_target_replaces_its_answer(worker: Worker) -> None:
    paula = await joined(worker, PAULA)
    for push_id in ("a", "b"):
        await paula.ok("class:7", "test:ask", {"id": push_id})
    await until(lambda: len(worker.engine._pushes.follows._groups) == 1)
