"""Rights, generated from the tables: role x enrolment x state x topic x event. What is not given does nothing."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Code
from channels.lesson.state import TopicState
from channels.limit import Limits
from channels.member import Member
from channels.topics import kind
from channels.topics.kind import TopicAddress
from channels.wire.codec import JSON, MESSAGE_PACK, Wire
from server.asyncapi import TABLES
from tests.channels.rights import (
    RIGHT_CODES,
    STATE_CODES,
    State,
    actions,
    events_of,
    examples,
    refused_by,
    role_of,
    states,
    to_open,
    topics_of,
)
from tests.channels.support import BRUNO, CLASS, DIRETORA, OTHER_CLASS, PAULA, Client, Frame, MakeWorker, Worker, member

# One of each role, beside those who keep order in the class: what they push must not end what is tested.
PEOPLE = {role.name: member(100 + n, role.name.title(), role.name, CLASS) for n, role in enumerate(TABLES.roles)}
STUDENT = PEOPLE["student"]
# One kind of database is enough: what is tested does not depend on it.
on_sqlite = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

STATES = states(STUDENT.user.id)
EVENTS = events_of(TABLES)
NOT_JOINED = frozenset({Code.UNMATCHED_TOPIC})
# What a refused push must leave as it is.
STORED = ("events", "versions", "choices", "timers", "audited")


class Unchecked(Client):
    """A client whose frames are not held to the protocol's document, which would double the time."""

    def _hold_to_the_document(self, frame: Frame) -> None:
        pass


class School:
    """A class in which everything has happened once, so that each push has something to be about."""

    def __init__(self, worker: Worker, database: AsyncEngine) -> None:
        self.worker = worker
        self.key = ""
        self._database = database
        self._positions: dict[
            tuple[str, str], int
        ] = {}  # what pushes are about, by the topic and the event's first word
        self._own: dict[tuple[int, str], int] = {}  # a message for each push that is about one, by author and event
        self._numbers = 0

    def connect(self, who: Member, wire: Wire = JSON) -> Client:
        """Let a member in."""
        engine = self.worker.engine
        return Unchecked(engine, engine.connect(who, wire, engine.revision))

    async def prepare(self) -> None:
        """Let it all happen."""
        self.worker.authority.members |= {each.login: each for each in PEOPLE.values()}
        self.paula, self.diretora, self.bruno = map(self.connect, (PAULA, DIRETORA, BRUNO))
        for client, topics in ((self.paula, ("class:7", "class:7:staff")), (self.bruno, ("class:7",))):
            for topic in topics:
                await client.ok(topic, "phx_join")
        for topic in ("class:7", "class:7:staff", "role:students", "role:teachers", "school", "principals"):
            await self.diretora.ok(topic, "phx_join")
        await self._announce()
        await self._teach()
        await self._flag()
        for each in PEOPLE.values():
            if "class" in role_of(TABLES, each).topics:
                await self._write(each)

    async def _announce(self) -> None:
        for client, topic in ((self.diretora, "role:students"), (self.diretora, "role:teachers"),
                              (self.diretora, "school"), (self.paula, "class:7")):  # fmt: skip
            announcement = {"text": "Leiam", "acknowledge": True}
            self._positions[topic, "announcement"] = (await client.ok(topic, "announcement:send", announcement))["seq"]
        (sent,) = await self.paula.has(1, "announcement:sent")
        self.key = sent["key"]

    async def _teach(self) -> None:
        lesson = (await self.paula.ok("class:7", "lesson:start"))["seq"]
        await self.paula.ok("class:7", "lesson:end")
        self._positions["class:7:staff", "attendance"] = self._positions["class:7", "lesson"] = lesson
        self._positions["class:7", "poll"] = (await self.paula.ok("class:7", "poll:open", {"options": "yes/no"}))["seq"]
        note = {"text": "Não entendi."}
        await self.bruno.ok("class:7", "note:send", note)
        (note,) = await self.paula.has(1, "note:sent")
        self._positions["class:7:staff", "note"] = note["seq"]

    async def _flag(self) -> None:
        for author, topic in ((self.bruno, "class:7:staff"), (self.paula, "principals")):
            target = (await author.ok("class:7", "message:send", {"text": "Bom dia!"}))["seq"]
            reporter = self.paula if author is self.bruno else self.bruno
            await reporter.ok("class:7", "message:flag", {"target": target, "reason": "insult"})
            flagged = [frame[4] for frame in self.diretora.frames if frame[2:4] == (topic, "message:flagged")]
            self._positions[topic, "flag"] = flagged[0]["seq"]

    async def _write(self, who: Member) -> None:
        client = self.connect(who)
        await client.ok("class:7", "phx_join")
        for event in EVENTS[1:]:
            if {"target", "reply_to"} & examples()[event].keys():
                author = self.bruno if event == "message:flag" else client
                sent = await author.ok("class:7", "message:send", {"text": event})
                self._own[who.user.id, event] = sent["seq"]
        client.gone()

    def payload(self, who: Member, topic: str, event: str) -> dict[str, Any]:
        """Return a payload for a push: the document's example, about something that is there."""
        self._numbers += 1
        example = examples().get(event, {})
        own = self._own.get((who.user.id, event), 1)
        target = self._positions.get((topic, event.partition(":")[0]), own)
        about = {"id": f"p{self._numbers}", "target": target, "user": STUDENT.user.id, "seq": 1}
        about |= {"mentions": [STUDENT.user.id], "reply_to": own}
        return example | {name: about[name] for name in about if name in example}

    # States

    async def turn_to(self, state: State, student: Client | None) -> None:
        """Bring the class into a state."""
        for event, payload in to_open(STUDENT.user.id):
            reply = await self.paula.ask("class:7", event, payload)
            assert reply["status"] == "ok" or reply["response"]["code"] == Code.FORBIDDEN, reply
        for event, payload in state.pushes:
            await self.paula.ok("class:7", event, payload)
        if state.after_a_message and student is not None:
            await student.ok("class:7", "message:send", {"text": "A primeira."})

    def rules(self) -> list[bytes]:
        """Return what the class's rules depend on."""
        state = self.worker.engine._hub.topics["class:7"].state
        assert isinstance(state, TopicState)
        return [msgspec.msgpack.encode(feature.dump()) for feature in state._rules]

    async def kept(self) -> tuple[object, ...]:
        """Return what is stored, and what has been sent to those who are in the class."""
        counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in STORED)
        async with self._database.connect() as connection:
            rows = (await connection.execute(text(f"SELECT {counts}, (SELECT sum(seq) FROM topics)"))).one()
        reads = {name: dict(topic.reads) for name, topic in self.worker.engine._hub.topics.items()}
        here = (self.paula, self.diretora, self.bruno)
        # That somebody has come is gathered with who comes after it, so it may be told meanwhile.
        sent = [[frame for frame in each.frames if frame[3] not in ("phx_reply", "presence_diff")] for each in here]
        return (*rows, reads, [len(frames) for frames in sent])


@pytest.fixture
async def school(make_worker: MakeWorker, database: AsyncEngine) -> School:
    school = School(await make_worker(limits=Limits(push_rate=0)), database)
    await school.prepare()
    return school


async def join_all(school: School, client: Client) -> tuple[list[TopicAddress], list[TopicAddress]]:
    """Join whatever the tables give; return what was joined, and what was refused."""
    joined: list[TopicAddress] = []
    refused: list[TopicAddress] = []
    for address in topics_of(TABLES, PAULA.user.id, school.key):
        may = actions(TABLES, client.session.member, address) is not None
        reply = await client.ask(address.wire_name, "phx_join")
        assert (reply["status"] == "ok") == may, f"{client.session.member.login} joins {address.wire_name}: {reply}"
        assert may or reply["response"]["code"] in RIGHT_CODES, reply
        (joined if may else refused).append(address)
    return joined, refused


async def expect_refusal(school: School, client: Client, topic: str, event: str, codes: frozenset[str]) -> None:
    """Push, and expect one of these codes."""
    who = client.session.member
    code = await client.refused(topic, event, school.payload(who, topic, event))
    assert code in codes, f"{who.login} pushes {event} on {topic}: {code} is none of {set(codes)}"


@on_sqlite
@pytest.mark.parametrize("name", list(STATES), ids=lambda name: name.replace(" ", "-"))
async def test_every_push_is_answered_as_the_tables_say(school: School, name: str) -> None:
    state = STATES[name]
    answered: set[tuple[str, str, str]] = set()
    # Staff come last, because only their pushes change the state.
    for role in sorted(TABLES.roles, key=lambda role: role.is_staff):
        client = school.connect(PEOPLE[role.name], MESSAGE_PACK if role.is_staff else JSON)
        joined, closed = await join_all(school, client)
        student = client if role.name == "student" else None
        await school.turn_to(state, student)
        await _refuse(school, client, joined, closed, state)
        answered |= await _allow(school, client, joined, state, student)
        client.gone()
    assert answered, "nothing was allowed"


async def _refuse(
    school: School, client: Client, joined: list[TopicAddress], closed: list[TopicAddress], state: State
) -> None:
    """Push all that is refused: it stores nothing, and nobody is sent anything."""
    who, before = client.session.member, await school.kept()
    for address in closed:
        for event in EVENTS:
            await expect_refusal(school, client, address.wire_name, event, NOT_JOINED)
    for address in joined:
        allowed = actions(TABLES, who, address) or frozenset()
        for event in EVENTS:
            code = refused_by(TABLES, who, address, event, state)
            if event not in allowed or code:
                codes = frozenset({code}) if event in allowed else RIGHT_CODES
                await expect_refusal(school, client, address.wire_name, event, codes)
    assert await school.kept() == before


async def _allow(
    school: School, client: Client, joined: list[TopicAddress], state: State, student: Client | None
) -> set[tuple[str, str, str]]:
    """Push all that is allowed: it is not refused for want of a right, nor by the state."""
    who, answered = client.session.member, set()
    for address in joined:
        if address.kind is not kind.CLASS and state.pushes:
            continue  # no state of the class changes what else is allowed
        for event in sorted(actions(TABLES, who, address) or ()):
            if refused_by(TABLES, who, address, event, state):
                continue
            before = school.rules()
            reply = await client.ask(address.wire_name, event, school.payload(who, address.wire_name, event))
            _was_let_in(reply, f"{who.login} pushes {event} on {address.wire_name}")
            answered.add((who.login, address.wire_name, event))
            if school.rules() != before:
                await school.turn_to(state, student)
    return answered


def _was_let_in(reply: dict[str, Any], what: str) -> None:
    if reply["status"] == "ok":
        return
    # There may be nothing to do: no hand is raised, the message is hidden by now.
    code, words = reply["response"]["code"], reply["response"]["message"]
    assert code in (Code.FORBIDDEN, Code.BAD_PAYLOAD), f"{what}: {reply}"
    assert not words.startswith("you may not do"), f"{what}: {reply}"
    assert code not in STATE_CODES


@on_sqlite
async def test_nothing_is_open_to_who_is_not_enrolled(school: School) -> None:
    for role in TABLES.roles:
        if role.sees_all_classes:
            continue
        who = PEOPLE[role.name]
        stranger = member(who.user.id, who.user.name, role.name, OTHER_CLASS)
        school.worker.authority.members[who.login] = stranger
        client = school.connect(stranger)
        joined, closed = await join_all(school, client)
        assert "class:7" in [address.wire_name for address in closed]
        await _refuse(school, client, joined, closed, STATES["open"])
        client.gone()


@on_sqlite
async def test_enrolment_that_has_just_ended_gives_nothing_more(school: School) -> None:
    for role in (each for each in TABLES.roles if "class" in each.topics):
        client = school.connect(PEOPLE[role.name])
        joined, _ = await join_all(school, client)
        of_class = [each for each in joined if each.number == CLASS.id and actions(TABLES, client.session.member, each)]
        # Its topics are still joined: that is closed a moment later.
        client.session.member = member(client.session.member.user.id, role.name.title(), role.name, OTHER_CLASS)
        before = await school.kept()
        for address in of_class:
            for event in EVENTS:
                await expect_refusal(school, client, address.wire_name, event, RIGHT_CODES)
        assert of_class
        assert await school.kept() == before
        client.gone()


def test_rules_name_pushes_that_students_have() -> None:
    given = role_of(TABLES, STUDENT).topics["class"].actions
    for name, state in STATES.items():
        assert name == "open" or [event for event in given if state.refuses(event)], name
    assert {event for event in given if STATES["locked"].refuses(event)} >= {
        "message:send",
        "message:edit",
        "note:send",
    }
    assert {event for event in given if STATES["closed"].refuses(event)} >= {"message:send", "hand:raise", "poll:vote"}
