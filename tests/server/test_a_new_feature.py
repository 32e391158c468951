"""A new feature and a new kind of topic, end to end: a file for the feature, a row for the kind, a line in each list.

The feature is `tests/channels/lesson/lock.py`: staff lock a class. The kind is a topic of a class's teachers.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus

import pytest

from channels.lesson import announcing, reading
from channels.lesson.rules import rule
from channels.topics.kind import Audience, TopicKind
from server.accounts.users import Users
from server.asyncapi import Tables
from server.databases import Databases
from tests.channels.lesson.lock import TABLES_THAT_LOCK
from tests.server.people import People
from tests.server.site import Site, fill, serve
from tests.server.views.visitor import Visitor

LOGINS = {"ana": "student", "paula": "teacher", "diretora": "principal"}
COUNCIL = TopicKind(
    "council", "class:{id}:council", "The council of a class.", Audience.ENROLLED, features=("announcements",)
)
IN_COUNCIL = rule(announcing.SEND, reading.READ, reading.MARK, reading.RECEIPTS, counted=True)
TABLES = Tables(
    tuple(
        replace(role, topics={**role.topics, "council": IN_COUNCIL}) if role.is_staff else role
        for role in TABLES_THAT_LOCK.roles
    ),
    (*TABLES_THAT_LOCK.kinds, COUNCIL),
    TABLES_THAT_LOCK.features,
)

# One kind of database is enough: what is tested does not depend on it.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


@pytest.fixture
async def site(databases: Databases, people: People, users: Users) -> AsyncIterator[Site]:
    """Serve a school whose classes can be locked and have a topic for their staff."""
    class_id = await fill(people, users, databases, LOGINS)
    async with serve(databases, class_id, TABLES, LOGINS) as site:
        yield site


async def test_feature_locks_a_class_over_a_socket(site: Site) -> None:
    ana, paula = await site.connect("ana"), await site.connect("paula")
    topic = f"class:{site.class_id}"
    assert (await ana.request(topic, "phx_join"))["state"]["lockdown"] is False
    assert (await paula.request(topic, "phx_join"))["state"]["locks"] == 0
    await paula.request(topic, "lock:set")
    assert (await ana.event("lock:locked"))["user"]["name"] == "Paula"
    assert await ana.request(topic, "message:send", {"text": "oi"}) == "forbidden"
    assert await ana.request(topic, "lock:clear") == "forbidden"
    await paula.request(topic, "lock:clear")
    assert "seq" in await ana.request(topic, "message:send", {"text": "oi"})


async def test_feature_and_kind_stand_in_the_protocols_page_and_document(site: Site) -> None:
    visitor = Visitor(f"http://127.0.0.1:{site.port}")
    document = json.loads((await visitor.get("/docs/protocol.json")).text)
    assert "LockChanged" in document["components"]["schemas"]
    assert "class:{id}:council" in [channel["address"] for channel in document["channels"].values()]
    for path in ("/docs/protocol", "/docs/protocol?role=teacher"):
        page = await visitor.get(path)
        assert page.status == HTTPStatus.OK
        assert page.has("lock:set")
        assert page.has("class:{id}:council")


async def test_kind_is_for_the_enrolled_of_the_roles_that_name_it(site: Site) -> None:
    ana, paula = await site.connect("ana"), await site.connect("paula")
    assert await ana.request(f"class:{site.class_id}:council", "phx_join") == "unmatched_topic"
    assert await paula.request(f"class:{site.class_id + 1}:council", "phx_join") == "forbidden"
    assert (await paula.request(f"class:{site.class_id}:council", "phx_join"))["state"] == {"announcements": []}


async def test_receipts_of_a_kind_count_the_roles_that_are_counted_there(site: Site) -> None:
    paula, diretora = await site.connect("paula"), await site.connect("diretora")
    topic = f"class:{site.class_id}:council"
    for client in (paula, diretora):
        await client.request(topic, "phx_join")
    sent = await diretora.request(topic, "announcement:send", {"text": "Conselho de classe"})
    await paula.event("announcement:sent")
    await paula.request(topic, "read:mark", {"seq": sent["seq"]})
    async with asyncio.timeout(10):  # marks are stored with the next transaction
        while not (read := await diretora.request(topic, "receipts:read", {"seq": sent["seq"]}))["count"]:
            await asyncio.sleep(0.01)
    assert [user["name"] for user in read["read"]] == ["Paula"]


async def test_drain_ends_the_sessions(site: Site) -> None:
    clients = [await site.connect(login) for login in ("ana", "paula")]
    for client, topic in zip(clients, ("class:{}", "class:{}:council"), strict=True):
        await client.request(topic.format(site.class_id), "phx_join")
    await site.engine.drain(0.1)
    assert [await client.connection.closed() for client in clients] == [1012, 1012]
