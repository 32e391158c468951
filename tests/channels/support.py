"""An engine without sockets, for tests: clients are recorded, credentials are given, the journal is real.

Every frame that a client is sent is held to the protocol's document; `VIOLATIONS` are those that do not fit it.
"""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import msgpack
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.memory import MemoryBroker, MemoryBus
from channels.engine.audit import AuditTrail
from channels.engine.engine import Engine, Periods
from channels.hours import NO_SCHOOL_HOURS
from channels.journal.entry import Writer
from channels.journal.journal import Journal
from channels.journal.postgresql import PostgresqlWriter
from channels.journal.sqlite import SqliteWriter
from channels.lesson.feature import Viewer
from channels.limit import Limits
from channels.member import Classroom, Member, Person, User, Withheld
from channels.sessions.session import Session
from channels.topics import kind
from channels.topics.kind import TopicAddress
from channels.wire.codec import JSON, Wire
from server.asyncapi import TABLES, Tables
from server.databases.engine import asyncpg_dsn
from tests.contract import Violation, contract

# Kept, because what a transport raises only goes to the log; the fixture `held_to_the_document` looks here.
VIOLATIONS: list[Violation] = []

CLASS = Classroom(7, "6º A · Matemática", 30)
OTHER_CLASS = Classroom(8, "6º B · História", 30)
ASSEMBLY = Classroom(9, "Toda a escola", 2_000)
SCHOOL = {room.id: room for room in (CLASS, OTHER_CLASS, ASSEMBLY)}

Frame = tuple[str | None, str | None, str, str, Any]


def member(user_id: int, name: str, role: str, *classes: Classroom) -> Member:
    """Make a member whose sign-in has the number of its user."""
    return Member(User(user_id, name, role), name.lower(), user_id, {room.id: room for room in classes})


ANA = member(1, "Ana", "student", CLASS, ASSEMBLY)
BRUNO = member(2, "Bruno", "student", CLASS)
PAULA = member(3, "Paula", "teacher", CLASS)
DIRETORA = member(4, "Diretora", "principal", CLASS, OTHER_CLASS, ASSEMBLY)
MEMBERS = (ANA, BRUNO, PAULA, DIRETORA)


class GivenAuthority:
    """Credentials are logins; what they give is what `members` says now."""

    def __init__(self) -> None:
        self.members = {each.login: each for each in MEMBERS}
        self.hours = NO_SCHOOL_HOURS
        self.withheld: Withheld = {}
        self.away: set[int] = set()  # users who are signed in nowhere

    def recall(self, secret: str) -> Member | None:
        return self.members.get(secret)

    async def authenticate(self, secret: str) -> Member | None:
        return self.members.get(secret)

    async def renew(self, member: Member) -> Member | None:
        return self.members.get(member.login)

    async def audience(
        self, topic: TopicAddress, roles: Collection[str], among: Collection[int]
    ) -> tuple[list[User], int]:
        meant = {each.user.id: each.user for each in self.members.values() if each.user.role in roles}
        return [meant[user_id] for user_id in among if user_id in meant], 30

    async def absent(
        self, topic: TopicAddress, roles: Collection[str], present: Collection[int], limit: int
    ) -> list[User]:
        meant = [each.user for each in self.members.values() if each.user.role in roles]
        return [user for user in meant if user.id not in present][:limit]

    async def people(self, topics: Mapping[TopicAddress, Collection[str]]) -> list[Person]:
        found: dict[int, Person] = {}
        for topic, roles in topics.items():
            for each in self.members.values():
                is_there = topic.kind is not kind.CLASS or topic.number in each.classes
                if each.user.role in roles and is_there:
                    found.setdefault(each.user.id, Person(each.user, topic.wire_name, each.user.id not in self.away))
        return sorted(found.values(), key=lambda person: person.user.name)

    async def member(self, user_id: int) -> Member | None:
        return next((each for each in self.members.values() if each.user.id == user_id), None)


# A member who sees a class's state, where it does not matter who that is.
VIEWER = Viewer(ANA, is_staff=False, topic=kind.CLASS.address(CLASS.id), at=0, authority=GivenAuthority(), key="k")


class TurnedClock:
    """A monotonic clock (seconds) that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def writer_for(database: AsyncEngine) -> Writer:
    """Make the journal's writer for a database of either kind."""
    if database.dialect.name == "sqlite":
        return SqliteWriter(database.url.database or "")
    return PostgresqlWriter(asyncpg_dsn(database.url))


class Worker:
    """One worker's engine on a journal, and on a bus if there are to be others."""

    def __init__(
        self,
        database: AsyncEngine,
        bus: MemoryBus | None = None,
        limits: Limits | None = None,
        *,
        writer: Writer | None = None,
        tables: Tables = TABLES,
        periods: Periods | None = None,
        audit: AuditTrail | None = None,
    ) -> None:
        self.clock = TurnedClock()
        self.tables = tables
        self.authority = GivenAuthority()
        self.journal = Journal(database, writer or writer_for(database))
        self.broker = MemoryBroker(bus)
        self.engine = Engine(
            self.journal,
            self.broker,
            self.authority,
            tables.roles,
            limits or Limits(),
            self.clock,
            kinds=tables.kinds,
            features=tables.features,
            live_views=tables.live_views,
            periods=periods or Periods(),
            audit=audit,
        )

    def connect(self, who: Member, wire: Wire = JSON) -> "Client":
        """Let a member in."""
        session = self.engine.connect(who, wire, self.engine.revision)
        return Client(self.engine, session, self.tables)


# The fixture `make_worker`; it takes what `Worker` takes.
MakeWorker = Callable[..., Awaitable[Worker]]


class Notes:
    """Notes of what sessions have told."""

    def __init__(self) -> None:
        self.woken: list[Session] = []
        self.placed: list[Session] = []

    def wake(self, session: Session) -> None:
        self.woken.append(session)

    def place(self, session: Session) -> None:
        self.placed.append(session)


class _Socket:
    """What is written straight to a client."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    def send(self, data: bytes) -> int:
        assert not self._client.session.woken, "what waits goes first"
        self._client.receive(data)
        return len(data)


class Client:
    """One connected client: what it was sent, decoded, in order. It is its session's transport."""

    def __init__(self, engine: Engine, session: Session, tables: Tables = TABLES) -> None:
        self.frames: list[Frame] = []
        self.session = session
        self.writes = 0
        self.operations: set[str] = set()  # of the protocol's document, that this client has met
        self._asked: dict[str, Frame] = {}
        self._engine = engine
        self._contract = contract(tables)
        self._ref = 0
        session.transport = self
        session.go_straight(_Socket(self))

    @property
    def closed_with(self) -> int | None:
        """The close code, once the session has ended."""
        return self.session.closing.code if self.session.closing else None

    def flush(self) -> None:
        data = b"" if self.session.blocked else self.session.take()
        if data:
            self.receive(data)
        if self.session.closing is not None:
            asyncio.get_running_loop().call_soon(self.gone)

    def receive(self, data: bytes) -> None:
        """Take in what is written to this client."""
        self.writes += 1
        frames = [self._decode(body) for body in unframed(data)]
        self.frames += frames
        for frame in frames:
            self._hold_to_the_document(frame)

    def _decode(self, body: bytes) -> Frame:
        return tuple(json.loads(body) if self.session.wire is JSON else msgpack.unpackb(body))

    def _hold_to_the_document(self, frame: Frame) -> None:
        role = self.session.member.user.role
        try:
            if frame[3] == "phx_reply":
                operation = self._contract.check_reply(role, self._asked.get(frame[1] or ""), frame)
            else:
                operation = self._contract.check_event(role, frame)
        except Violation as violation:
            VIOLATIONS.append(violation)
        else:
            self.operations.update([operation] if operation else [])

    async def send(
        self, topic: str, event: str, payload: Mapping[str, object], join_ref: str | None = None, ref: str | None = None
    ) -> str:
        """Send a message and return its ref; what it causes may still be under way."""
        if ref is None:
            self._ref += 1
            ref = str(self._ref)
        message = self._asked[ref] = (join_ref, ref, topic, event, payload)
        await self.raw(json.dumps(message) if self.session.wire is JSON else msgpack.packb(message))
        return ref

    async def raw(self, data: str | bytes) -> None:
        """Send what is no message, or one made by hand."""
        work = self._engine.handle(self.session, data)
        if inspect.isawaitable(work):
            await work

    async def ask(self, topic: str, event: str, payload: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Send a message and return the payload of its reply."""
        ref = await self.send(topic, event, payload or {}, join_ref="1" if event == "phx_join" else None)
        reply: dict[str, Any] = await self.until(lambda frame: frame[1] == ref and frame[3] == "phx_reply")
        return reply

    async def ok(self, topic: str, event: str, payload: Mapping[str, object] | None = None) -> Any:
        """Send a message, expect ok, and return the response."""
        reply = await self.ask(topic, event, payload)
        assert reply["status"] == "ok", reply
        return reply["response"]

    async def refused(self, topic: str, event: str, payload: Mapping[str, object] | None = None) -> str:
        """Send a message, expect a refusal, and return its code."""
        reply = await self.ask(topic, event, payload)
        assert reply["status"] == "error", reply
        code: str = reply["response"]["code"]
        return code

    async def until(self, wanted: Callable[[Frame], bool]) -> Any:
        """Wait for a frame and return its payload."""
        async with asyncio.timeout(10):
            while True:
                for frame in self.frames:
                    if wanted(frame):
                        return frame[4]
                await asyncio.sleep(0.001)

    async def has(self, count: int, event: str = "message:sent") -> list[Any]:
        """Wait until so many of an event have come as broadcasts, and return all payloads of that event."""
        async with asyncio.timeout(10):
            while len(self.got(event)) < count:
                await asyncio.sleep(0.001)
        return self.got(event)

    def got(self, event: str) -> list[Any]:
        """Return the payloads of an event that have come so far."""
        return [frame[4] for frame in self.frames if frame[3] == event]

    def gone(self) -> None:
        """Lose the connection."""
        self._engine.disconnect(self.session)


def unframed(data: bytes) -> list[bytes]:
    """Split server bytes into the payloads of WebSocket frames (RFC 6455, section 5.2, unmasked).

    Of a last frame that is not complete, what has come of its payload.
    """
    bodies = []
    while len(data) > 1:
        length, start = data[1], 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(data[2:start], "big")
        bodies.append(data[start : start + length])
        data = data[start + length :]
    return bodies
