"""A new role, end to end: one row, one package of views, and the topic that the principal writes to.

Nothing is patched: the application, the engine and the protocol's document receive lists that contain the role.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient

from channels.roles import principal, students, teachers
from channels.transports.admission import Admission
from server import views
from server.accounts.users import Users
from server.asyncapi import Tables
from server.databases import Databases
from tests.server import parents
from tests.server.parents.role import ROLE as PARENTS
from tests.server.people import People
from tests.server.site import Site, fill, serve
from tests.server.views.visitor import Visitor

TO_PARENTS = {"role:parents": principal.ROLE.topics["role:teachers"]}
TABLES = Tables(
    (students.ROLE, teachers.ROLE, replace(principal.ROLE, topics={**principal.ROLE.topics, **TO_PARENTS}), PARENTS),
)
LOGINS = {"ana": "student", "paula": "teacher", "diretora": "principal", "marta": "parent"}

# One kind of database is enough: what is tested does not depend on it.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


@pytest.fixture
async def site(databases: Databases, people: People, users: Users) -> AsyncIterator[Site]:
    """Serve a school with a mother in it; the admission queue has three slots, and then none for long."""
    class_id = await fill(people, users, databases, LOGINS)
    admission = Admission(lambda: 0.0, rate=0.001, burst=2.0)
    async with serve(databases, class_id, TABLES, LOGINS, (*views.PACKAGES, parents), admission) as site:
        yield site


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


async def test_new_role_joins_over_a_socket_with_its_permissions(site: Site) -> None:
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


async def test_protocol_page_and_document_contain_the_new_role(site: Site) -> None:
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
