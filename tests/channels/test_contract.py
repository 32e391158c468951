"""The protocol's document against what the engine does: all that it names happens, and nothing else does."""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.event import Delivery, EventType
from channels.journal.steps import Notice, Steps, append
from channels.journal.tables import topics_table
from channels.lesson import chat
from channels.lesson.erasing import ERASED, PersonErased
from channels.lesson.expiry import TRIMMED, HistoryTrimmed
from channels.member import User
from channels.topics.kind import announcement_topic
from channels.wire.codec import JSON, MESSAGE_PACK, Wire
from tests.channels.support import (
    ANA,
    BRUNO,
    CLASS,
    DIRETORA,
    OTHER_CLASS,
    PAULA,
    VIOLATIONS,
    Client,
    Frame,
    Worker,
    member,
)
from tests.contract import Violation, contract

MakeWorker = Callable[..., Awaitable[Worker]]

JOINED = {
    "ana": ("user:me", "class:7", "class:9", "role:students", "school"),
    "paula": ("user:me", "class:7", "class:7:staff", "role:teachers", "school"),
    "otto": ("user:me", "school"),
    "diretora": (
        "user:me",
        "class:7",
        "class:7:staff",
        "role:students",
        "role:teachers",
        "school",
        "principals",
        "dashboard",
    ),
}


@pytest.mark.parametrize("wire", [JSON, MESSAGE_PACK], ids=lambda wire: wire.name)
async def test_all_that_the_document_names_happens(worker: Worker, database: AsyncEngine, wire: Wire) -> None:
    worker.authority.members[OTTO.login] = OTTO
    clients = [worker.connect(who, wire) for who in (ANA, PAULA, DIRETORA, OTTO)]
    for client in clients:
        for topic in JOINED[client.session.member.login]:
            await client.ok(topic, "phx_join")
    ana, paula, diretora, otto = clients
    announced = await _announced(paula, diretora)
    await ana.ok("class:7", "announcement:acknowledge", {"target": announced.positions["paula", "class:7"]})
    for client in (ana, paula, diretora):
        target = (await client.ok("class:7", "message:send", {"text": "Bom dia!"}))["seq"]
        for topic, event, payload in _pushes(client, announced):
            worker.clock.now += 0.1  # as fast as a user may push
            position = announced.target(client, topic, event) or target
            me = ANA.user.id
            own = {"id": event, "target": position, "user": me, "reply_to": target, "mentions": [me]}
            await client.ok(topic, event, payload | {name: own[name] for name in own if name in payload})
    await paula.has(1, "announcement:published")
    worker.clock.now += 10
    await _flag(ana, paula, diretora)
    await _write_notes(ana, paula)
    await _correct_attendance(paula)
    await _raise_hands(ana, paula)
    await _hold_a_poll(ana, paula)
    await _follow_announcements(worker, paula, diretora, announced)
    await diretora.has(1, "dashboard:changed")
    bruno = worker.connect(BRUNO, wire)
    await bruno.ok("class:7", "phx_join")
    await ana.has(1, "presence_diff")
    await ana.has(1, "read:marked")
    await _rewrite_records(worker, database, clients)
    for client in (ana, paula, diretora, otto):
        for topic in [topic for topic in client.session.subscriptions if topic != "user:me" or client is diretora]:
            await client.ok(topic, "phx_leave")
    worker.authority.members["paula"] = member(3, "Paula", "teacher", OTHER_CLASS)
    del worker.authority.members["ana"]
    await worker.engine.revalidate(None)
    await paula.has(1, "rights:changed")
    await ana.has(1, "session:ended")
    assert contract().operations.keys() == set().union(*(client.operations for client in clients))
    assert _promised() <= {(name, each.session.member.user.role) for each in clients for name in each.operations}


def _promised() -> set[tuple[str, str]]:
    """Return which events the document promises to which roles, but for the users' own topics: each gets others there.

    What a class too large for presence gets is promised to all who are in one.
    """
    sent = {name: each for name, each in contract().operations.items() if each["action"] == "send"}
    named = {(name, tag["name"]) for name, each in sent.items() for tag in each["tags"]}
    return {(name, role) for name, role in named if not name.startswith("user.me.") and name != "class.presence_count"}


OTTO = member(5, "Otto", "administrator")

# What depends on what others did before, and cannot be pushed as the document's examples are.
IN_TURN = ("attendance:", "flag:", "hand:", "message:flag", "note:", "poll:")


async def _flag(ana: Client, paula: Client, diretora: Client) -> None:
    for author, reporter, staff, topic in ((paula, ana, diretora, "principals"), (ana, paula, paula, "class:7:staff")):
        target = (await author.ok("class:7", "message:send", {"text": "Bom dia!"}))["seq"]
        await reporter.ok("class:7", "message:flag", {"target": target, "reason": "insult"})
        await staff.has(1, "message:flagged")
        (flagged,) = [frame[4] for frame in staff.frames if frame[2:4] == (topic, "message:flagged")]
        await staff.ok(topic, "flag:see", {"target": flagged["seq"]})
        await staff.ok(topic, "flag:close", {"target": flagged["seq"], "outcome": "hidden"})


async def _write_notes(ana: Client, paula: Client) -> None:
    for topic in ("class:7", "class:7:staff"):
        await ana.ok("class:7", "note:send", {"text": "Não entendi."})
        await paula.ok(topic, "note:send", {"text": "Venha à mesa.", "user": 1})
    await ana.ok("class:7", "note:send", {"text": "Obrigada."})
    await paula.until(lambda frame: frame[3] == "note:sent" and frame[4]["text"] == "Obrigada.")
    await paula.ok("class:7:staff", "note:close", {"target": paula.got("note:sent")[-1]["seq"]})


async def _rewrite_records(worker: Worker, database: AsyncEngine, clients: Sequence[Client]) -> None:
    """Tell in every topic that its stored events were rewritten, as the records by law do."""
    former = PersonErased(99, User(99, "Former pupil", "student"), "remove")
    notices = [Notice(ERASED.name, ERASED.encode(former)), Notice(TRIMMED.name, TRIMMED.encode(HistoryTrimmed()))]
    joined = {(each, topic) for each in clients for topic in each.session.subscriptions if topic != "dashboard"}
    names = {topic.replace("user:me", f"user:{each.session.member.user.id}") for each, topic in joined}
    steps = Steps(database)
    known = {topic.name for topic in await steps.topics()}
    for name in sorted(names - known):
        await steps.write(partial(_make_topic, name))
    for stored in await steps.topics():
        for notice in notices if stored.name in names else ():
            await steps.write(partial(append, stored.id, notice))
    worker.engine.look()
    for each, topic in joined:
        for notice in notices:
            await each.until(partial(_is, topic, notice.event))


def _make_topic(name: str, connection: Connection) -> None:
    connection.execute(insert(topics_table).values(name=name))


def _is(topic: str, event: str, frame: Frame) -> bool:
    return frame[2:4] == (topic, event)


async def _correct_attendance(paula: Client) -> None:
    target = (await paula.ok("class:7", "lesson:start"))["seq"]
    await paula.ok("class:7", "lesson:end")
    await paula.ok(
        "class:7:staff", "attendance:correct", {"target": target, "user": 1, "mark": "absent", "note": "Gripe."}
    )


async def _raise_hands(ana: Client, paula: Client) -> None:
    await ana.ok("class:7", "hand:raise")
    await paula.ok("class:7", "hand:call", {"user": 1})
    await ana.ok("class:7", "hand:lower")
    await paula.ok("class:7", "hand:clear")


async def _hold_a_poll(ana: Client, paula: Client) -> None:
    target = (await paula.ok("class:7", "poll:open"))["seq"]
    await ana.has(1, "poll:opened")
    await ana.ok("class:7", "poll:vote", {"target": target, "option": 1})
    await ana.ok("class:7", "poll:mine")
    await ana.has(1, "poll:voted")
    await paula.has(1, "poll:tally")
    await paula.ok("class:7", "poll:votes", {"target": target})
    await paula.ok("class:7", "poll:close", {"target": target})


class Announced:
    """What was announced before the pushes of the document: by whom, where, and what waits."""

    def __init__(self) -> None:
        self.topics: dict[str, str] = {}  # an announcement's own topic, by its author's login
        self.positions: dict[tuple[str, str], int] = {}  # by the author's login and the topic
        self.waiting: dict[str, int] = {}  # by the author's login

    def target(self, client: Client, topic: str, event: str) -> int | None:
        """Return the position that a push about an announcement means."""
        login = client.session.member.login
        if event == "announcement:cancel":
            return self.waiting[login]
        own = self.positions.get((login, topic))
        return (own or self.positions.get(("diretora", topic))) if event.startswith("announcement:") else None


async def _announced(paula: Client, diretora: Client) -> Announced:
    announced = Announced()
    for client, topics in ((paula, ["class:7"]), (diretora, ["class:7", "role:students", "role:teachers", "school"])):
        member = client.session.member
        for topic in topics:
            sent = await client.ok(topic, "announcement:send", {"text": "Leiam", "acknowledge": True})
            announced.positions[member.login, topic] = sent["seq"]
        own = [each for each in await client.has(1, "announcement:sent") if each["author"]["id"] == member.user.id]
        announced.topics[member.login] = announcement_topic(member.user.id, own[0]["key"])
        await client.ok(announced.topics[member.login], "phx_join")
        later = {"text": "Depois", "to": ["class:7"], "publish_at": time.time_ns() // 1_000_000 + 3_600_000}
        announced.waiting[member.login] = (await client.ok("user:me", "announcement:send", later))["seq"]
    soon = {"text": "Logo", "to": ["class:7"], "publish_at": time.time_ns() // 1_000_000 + 100}
    for each in (soon, {"text": "Já", "to": ["class:7"]}):
        await paula.ok("user:me", "announcement:send", each)
    return announced


async def _follow_announcements(worker: Worker, paula: Client, diretora: Client, announced: Announced) -> None:
    own = {"target": announced.positions["paula", "class:7"], "live": True}
    await paula.ok("class:7", "announcement:progress", own)
    followed = [(topic, seq) for (login, topic), seq in announced.positions.items() if login == "diretora"]
    for topic, seq in followed:
        await diretora.ok(topic, "announcement:progress", {"target": seq, "live": True})
    for newcomer in (member(11, "Caio", "student", CLASS), member(12, "Kenji", "teacher")):
        worker.authority.members[newcomer.login] = newcomer
    await diretora.has(len(followed), "announcement:progressed")
    await paula.has(1, "announcement:progressed")


def _pushes(client: Client, announced: Announced) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the document lets a client push to the topics that it has joined: its own examples."""
    found = []
    for operation in contract().operations.values():
        message = contract().resolve(operation["messages"][0])
        role_may = client.session.member.user.role in [tag["name"] for tag in operation["tags"]]
        if operation["action"] == "receive" and role_may and not message["name"].startswith(("phx_", *IN_TURN)):
            address = contract().resolve(operation["channel"])["address"]
            own = announced.topics.get(client.session.member.login, "")
            topic = own if "{key}" in address else address.replace("{id}", "7")
            payload = message["examples"][0]["payload"][4]
            if (topic, message["name"]) == ("user:me", "announcement:send"):
                payload |= {"to": ["class:7"]}
            found.append((topic, message["name"], payload))
    return found


async def test_a_field_that_its_type_does_not_have_is_a_violation(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    worker.engine._hub.flash("class:7", chat.TYPING.name, b'{"user":{"id":1,"name":"Ana","role":"student"},"key":"a"}')
    await ana.has(1, "typing:started")
    (violation,) = VIOLATIONS
    assert "'key' was unexpected" in str(violation)
    VIOLATIONS.clear()


class Shouted(msgspec.Struct):
    text: str


async def test_an_event_that_nothing_declares_is_a_violation(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    shouted = EventType("message:shouted", Shouted, Delivery.EPHEMERAL)
    worker.engine._hub.flash("class:7", shouted.name, shouted.encode(Shouted("ó")))
    await ana.has(1, "message:shouted")
    (violation,) = VIOLATIONS
    assert "knows no send of message:shouted on class:7" in str(violation)
    VIOLATIONS.clear()


@pytest.mark.parametrize(
    ("role", "frame"),
    [
        ("student", ["1", "2", "class:7", "announcement:send", {"text": "?"}]),
        ("student", ["1", "2", "dashboard", "phx_join", {}]),
        ("teacher", ["1", "2", "class:07x", "message:send", {"text": "?"}]),
        ("teacher", ["1", "2", "class:7", "message:send", {"text": ""}]),
        ("teacher", ["1", "2", "class:7", "message:send", {"text": "?", "colour": "red"}]),
        ("teacher", [1, "2", "class:7", "message:send", {"text": "?"}]),
        ("teacher", ["1", "2", "class:7", "message:send"]),
    ],
)
def test_what_may_not_be_pushed_does_not_stand_in_the_document(role: str, frame: list[Any]) -> None:
    with pytest.raises(Violation):
        contract().check_push(role, frame)
