"""A whole server in this process, made from tables of roles, kinds and features that a test gives it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer

from channels.broker.memory import MemoryBroker
from channels.engine.engine import Engine
from channels.journal.journal import Journal
from channels.journal.sqlite import SqliteWriter
from channels.limit import Limits
from channels.transports.admission import Admission
from channels.transports.gate import Gate
from channels.transports.poll_sessions import PollSessions
from server import views
from server.accounts.accounts import Accounts
from server.accounts.users import Users
from server.asyncapi import Tables
from server.databases import Databases, reading
from server.databases.users import find_users
from server.process.health import Health
from server.request_log import RequestLog
from server.web_application import make_application
from tests.channels.transports.sockets import Connection
from tests.contract import contract
from tests.server.people import People
from tests.server.views.visitor import Visitor

PASSWORD = "quatro paredes verdes"


@dataclass
class Site:
    """A whole server in this process, made from `tables`; `logins` are its users, with their roles."""

    port: int
    engine: Engine
    accounts: Accounts
    class_id: int
    tables: Tables
    logins: Mapping[str, str]
    clients: list["Client"] = field(default_factory=list)

    async def secret(self, login: str) -> str:
        """Sign in, and return the cookie's value."""
        return await self.accounts.local.sign_in(login, PASSWORD, "127.0.0.1")

    async def visitor(self, login: str) -> Visitor:
        """Return a browser with a sign-in."""
        return Visitor(f"http://127.0.0.1:{self.port}", cookies={"lousa_session": await self.secret(login)})

    async def connect(self, login: str) -> "Client":
        """Open a socket of the user's role."""
        url = f"ws://127.0.0.1:{self.port}/{self._path(self.logins[login])}/socket/websocket?vsn=2.0.0"
        headers = {"Authorization": f"Bearer {await self.secret(login)}"}
        self.clients.append(
            Client(await Connection.open(HTTPRequest(url, headers=headers)), self.logins[login], self.tables)
        )
        return self.clients[-1]

    def _path(self, role: str) -> str:
        return next(each.path for each in self.tables.roles if each.name == role)


class Client:
    """A client on a socket, whose every frame is held to the document of the same tables."""

    def __init__(self, connection: Connection, role: str, tables: Tables) -> None:
        self.connection = connection
        self._role = role
        self._tables = tables
        self._refs = 0

    async def request(self, topic: str, event: str, payload: dict[str, Any] | None = None) -> Any:
        """Push, and return the response, or the code of the refusal."""
        self._refs += 1
        ref = str(self._refs)
        asked = ["1" if event == "phx_join" else None, ref, topic, event, payload or {}]
        await self.connection.send(*asked)
        frame = await self._until(lambda frame: frame[1] == ref)
        contract(self._tables).check_reply(self._role, asked, frame)
        response = frame[4]["response"]
        return response if frame[4]["status"] == "ok" else response["code"]

    async def event(self, name: str) -> Any:
        """Wait for an event, and return its payload."""
        return (await self._until(lambda frame: frame[3] == name))[4]

    async def _until(self, wanted: Any) -> Any:
        while True:
            frame = await self.connection.read()
            if frame[3] != "phx_reply":
                contract(self._tables).check_event(self._role, frame)
            if wanted(frame):
                return frame


async def fill(people: People, users: Users, databases: Databases, logins: Mapping[str, str]) -> int:
    """Make a school with these users and one class, of ana and her teacher paula; return the class's id."""
    await people.school("Escola das Araucárias")
    for login, role in logins.items():
        await users.create(login, login.title(), role, PASSWORD)
    async with reading(databases.sessions("accounts")) as db:
        found = await find_users(db, set(logins))
    class_id = await people.classroom("6º A · Matemática", found["ana"].id, teacher=found["paula"].id)
    for login, role in logins.items():
        if role not in ("student", "teacher", "principal"):
            await people.enrol(found[login].id, class_id, role)
    return class_id


@asynccontextmanager
async def serve(
    databases: Databases,
    class_id: int,
    tables: Tables,
    logins: Mapping[str, str],
    packages: Sequence[ModuleType] = views.PACKAGES,
    admission: Admission | None = None,
) -> AsyncIterator[Site]:
    """Serve a school that `fill` has made."""
    accounts = Accounts(databases.sessions("accounts"), roles=tables.roles)
    database = databases.engine("journal")
    journal = Journal(database, SqliteWriter(database.url.database or ""))
    await journal.open()
    broker = MemoryBroker()
    engine = Engine(journal, broker, accounts, tables.roles, Limits(), kinds=tables.kinds, features=tables.features)
    engine.start()
    poll_sessions = PollSessions(engine)
    poll_sessions.start()
    gate = Gate(engine, poll_sessions, admission=admission)
    health = Health(databases, broker)
    application = make_application(databases, accounts, gate, health, RequestLog(health), tables, packages)
    server = HTTPServer(application)
    server.listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    site = Site(port, engine, accounts, class_id, tables, logins)
    yield site
    for client in site.clients:
        await client.connection.close()
    server.stop()
    await poll_sessions.close()
    await engine.close()
    await server.close_all_connections()
    await health.close()
    accounts.close()
