"""A new role, end to end: one row, one package of views, and the topic that the principal writes to.

Nothing is patched: the application, the engine and the protocol's document are given the lists with the role in them.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer

from channels.broker.memory import MemoryBroker
from channels.engine.engine import Engine
from channels.journal.journal import Journal
from channels.journal.sqlite import SqliteWriter
from channels.limit import Limits
from channels.roles import ROLES, principal
from channels.transports.admission import Admission
from channels.transports.gate import Gate
from channels.transports.poll_sessions import PollSessions
from server import views
from server.accounts.accounts import Accounts
from server.accounts.users import Users
from server.application import make_application
from server.asyncapi import Tables
from server.databases import Databases, reading
from server.databases.users import find_users
from server.process.health import Health
from server.settings import database_urls
from tests.channels.transports.sockets import Connection
from tests.contract import contract
from tests.server import parents
from tests.server.parents.role import ROLE as PARENTS
from tests.server.people import People
from tests.server.views.visitor import Visitor

PASSWORD = "quatro paredes verdes"
TO_PARENTS = {"role:parents": principal.ROLE.topics["role:teachers"]}
TABLES = Tables(
    (*ROLES[:-1], replace(principal.ROLE, topics={**principal.ROLE.topics, **TO_PARENTS}), PARENTS),
)
LOGINS = {"ana": "student", "paula": "teacher", "diretora": "principal", "marta": "parent"}
PATHS = {role.name: role.path for role in TABLES.roles}


@dataclass
class Site:
    """A whole server with the role, in this process."""

    port: int
    engine: Engine
    accounts: Accounts
    class_id: int
    clients: list["Client"] = field(default_factory=list)

    async def secret(self, login: str) -> str:
        """Sign in, and return the cookie's value."""
        return await self.accounts.sign_in(login, PASSWORD, "127.0.0.1")

    async def visitor(self, login: str) -> Visitor:
        """Return a browser with a sign-in."""
        return Visitor(f"http://127.0.0.1:{self.port}", cookies={"lousa_session": await self.secret(login)})

    async def connect(self, login: str) -> "Client":
        """Open a socket of the user's role."""
        url = f"ws://127.0.0.1:{self.port}/{PATHS[LOGINS[login]]}/socket/websocket?vsn=2.0.0"
        headers = {"Authorization": f"Bearer {await self.secret(login)}"}
        self.clients.append(Client(await Connection.open(HTTPRequest(url, headers=headers)), LOGINS[login]))
        return self.clients[-1]


class Client:
    """A client on a socket, whose every frame is held to the document of the same tables."""

    def __init__(self, connection: Connection, role: str) -> None:
        self.connection = connection
        self._role = role
        self._refs = 0

    async def request(self, topic: str, event: str, payload: dict[str, Any] | None = None) -> Any:
        """Push, and return the response, or the code of the refusal."""
        self._refs += 1
        ref = str(self._refs)
        asked = ["1" if event == "phx_join" else None, ref, topic, event, payload or {}]
        await self.connection.send(*asked)
        frame = await self._until(lambda frame: frame[1] == ref)
        contract(TABLES).check_reply(self._role, asked, frame)
        response = frame[4]["response"]
        return response if frame[4]["status"] == "ok" else response["code"]

    async def event(self, name: str) -> Any:
        """Wait for an event, and return its payload."""
        return (await self._until(lambda frame: frame[3] == name))[4]

    async def _until(self, wanted: Any) -> Any:
        while True:
            frame = await self.connection.read()
            if frame[3] != "phx_reply":
                contract(TABLES).check_event(self._role, frame)
            if wanted(frame):
                return frame


@pytest.fixture
async def databases(sqlite_tables: Path, tmp_path: Path) -> AsyncIterator[Databases]:
    """Return both databases with their tables and nothing in them."""
    shutil.copytree(sqlite_tables, tmp_path, dirs_exist_ok=True)
    databases = Databases(database_urls(tmp_path))
    yield databases
    await databases.dispose()


@pytest.fixture
async def class_id(people: People, users: Users, databases: Databases) -> int:
    """Fill the school: a class with a student, her teacher and her mother, and a principal."""
    await people.school("Escola das Araucárias")
    for login, role in LOGINS.items():
        await users.create(login, login.title(), role, PASSWORD)
    async with reading(databases.sessions("accounts")) as session:
        found = await find_users(session, set(LOGINS))
    class_id = await people.classroom("6º A · Matemática", found["ana"].id, teacher=found["paula"].id)
    await people.enrol(found["marta"].id, class_id, "parent")
    return class_id


@pytest.fixture
async def site(databases: Databases, class_id: int) -> AsyncIterator[Site]:
    """Serve all of it; the admission queue has three slots, and then none for long."""
    accounts = Accounts(databases.sessions("accounts"), roles=TABLES.roles)
    database = databases.engine("journal")
    journal = Journal(database, SqliteWriter(database.url.database or ""))
    await journal.open()
    broker = MemoryBroker()
    engine = Engine(journal, broker, accounts, TABLES.roles, Limits(), kinds=TABLES.kinds)
    engine.start()
    poll_sessions = PollSessions(engine)
    poll_sessions.start()
    gate = Gate(engine, poll_sessions, admission=Admission(lambda: 0.0, rate=0.001, burst=2.0))
    health = Health(databases, broker)
    application = make_application(databases, accounts, gate, health, TABLES, (*views.PACKAGES, parents))
    server = HTTPServer(application)
    server.listen(0, "127.0.0.1")
    site = Site(next(iter(server._sockets.values())).getsockname()[1], engine, accounts, class_id)
    yield site
    for client in site.clients:
        await client.connection.close()
    server.stop()
    await poll_sessions.close()
    await engine.close()
    await server.close_all_connections()
    await health.close()
    accounts.close()


async def test_new_role_signs_in_and_sees_its_own_pages_only(site: Site) -> None:
    marta = await site.visitor("marta")
    assert (await marta.get("/")).location == "/parents/"
    assert (await marta.get("/parents")).location == "/parents/"
    page = await marta.get("/parents/")
    assert page.status == HTTPStatus.OK
    assert page.has('"socket": "/parents/socket"')
    assert page.has('"staff": ["teacher", "principal"]')
    assert page.has('"wide": ["role:parents", "school"]')
    assert (await marta.get(f"/parents/classes/{site.class_id}")).has("6º A · Matemática")
    assert (await marta.get("/parents/announcements")).has("/parents/announcements")
    for path in ("/students/", "/teachers/", "/principal/"):
        assert (await marta.get(path)).status == HTTPStatus.FORBIDDEN
    assert (await (await site.visitor("ana")).get("/parents/")).status == HTTPStatus.FORBIDDEN


async def test_new_role_joins_over_a_socket_and_does_what_its_row_allows(site: Site) -> None:
    marta = await site.connect("marta")
    own = await marta.request("user:me", "phx_join")
    assert own["user"]["role"] == "parent"
    assert [each["topic"] for each in own["topics"]] == [f"class:{site.class_id}", "role:parents", "school"]
    await marta.request(f"class:{site.class_id}", "phx_join")
    assert await marta.request(f"class:{site.class_id}", "message:send", {"text": "?"}) == "forbidden"
    assert await marta.request("role:students", "phx_join") == "unmatched_topic"


async def test_new_role_joins_over_a_long_poll(site: Site) -> None:
    url = f"http://127.0.0.1:{site.port}/parents/socket/longpoll?vsn=2.0.0"

    async def ask(method: str, **headers: str) -> Any:
        body = json.dumps(["1", "1", "school", "phx_join", {}]) if method == "POST" else None
        answer = await AsyncHTTPClient().fetch(url, method=method, body=body, headers=headers)
        return json.loads(answer.body)

    token = (await ask("GET", Authorization=f"Bearer {await site.secret('marta')}"))["token"]
    mine = {"X-Phoenix-Longpoll-Token": token}
    assert (await ask("POST", **mine, **{"Content-Type": "application/x-ndjson"}))["status"] == HTTPStatus.OK
    (reply,) = (await ask("GET", **mine))["messages"]
    assert json.loads(reply)[4]["status"] == "ok"


async def test_new_role_stands_in_the_protocols_page_and_document(site: Site) -> None:
    visitor = Visitor(f"http://127.0.0.1:{site.port}")
    document = json.loads((await visitor.get("/docs/protocol.json")).text)
    assert document["servers"]["parent.websocket"]["pathname"] == "/parents/socket/websocket"
    assert document["channels"]["role.parents"]["description"] == "Announcements to all parents."
    assert "parent" in document["components"]["schemas"]["User"]["properties"]["role"]["enum"]
    for path in ("/docs/protocol", "/docs/protocol?role=parent"):
        page = await visitor.get(path)
        assert page.status == HTTPStatus.OK
        assert page.has("role:parents")


async def test_receipts_count_the_new_role(site: Site) -> None:
    marta, diretora = await site.connect("marta"), await site.connect("diretora")
    for client in (marta, diretora):
        await client.request("role:parents", "phx_join")
    sent = await diretora.request("role:parents", "announcement:send", {"text": "Reunião"})
    assert (await marta.event("announcement:sent"))["text"] == "Reunião"
    nobody = await diretora.request("role:parents", "receipts:read", {"seq": sent["seq"]})
    assert (nobody["count"], nobody["members"]) == (0, 1)
    await marta.request("role:parents", "read:mark", {"seq": sent["seq"]})
    async with asyncio.timeout(10):  # marks are stored with the next transaction
        while not (read := await diretora.request("role:parents", "receipts:read", {"seq": sent["seq"]}))["count"]:
            await asyncio.sleep(0.01)
    assert (read["count"], read["members"], read["read"][0]["role"]) == (1, 1, "parent")


async def test_dashboard_counts_the_new_role(site: Site) -> None:
    await site.connect("marta")
    diretora = await site.connect("diretora")
    joined = await diretora.request("dashboard", "phx_join")
    assert joined["state"]["dashboard"]["totals"]["users"] == {"parent": 1, "principal": 1}


async def test_new_role_waits_in_the_admission_queue(site: Site) -> None:
    for _ in range(3):
        await site.connect("marta")
    url = f"http://127.0.0.1:{site.port}/parents/socket/longpoll?vsn=2.0.0"
    headers = {"Authorization": f"Bearer {await site.secret('marta')}"}
    turned_away = json.loads((await AsyncHTTPClient().fetch(url, headers=headers)).body)
    assert (turned_away["code"], turned_away["message"]) == ("unavailable", "too many come in at once")
    await site.connect("diretora")  # a role that does not wait


async def test_drain_ends_sessions_of_every_role(site: Site) -> None:
    # A role that does not wait comes last: the queue has three slots.
    clients = [await site.connect(login) for login in ("ana", "marta", "paula", "diretora")]
    await site.engine.drain(0.1)
    assert [await client.connection.closed() for client in clients] == [1012] * len(clients)
