"""Rights that change while connections are open."""

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import msgspec
import pytest

from channels.engine.engine import Periods
from channels.errors import RESTARTING, Unavailable
from channels.member import Member
from channels.wire.codec import JSON
from tests.channels.support import ANA, BRUNO, CLASS, OTHER_CLASS, PAULA, Worker, member


async def test_ended_sign_in_ends_its_connections_with_a_reason(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("user:me", "phx_join")
    await bruno.ok("user:me", "phx_join")
    del worker.authority.members["ana"]
    await worker.engine.revalidate({1, 2})
    assert await ana.has(1, "session:ended") == [{"code": "signed_out", "message": "signed out"}]
    assert ana.closed_with == 4001
    assert bruno.closed_with is None


async def test_ended_enrolment_closes_the_class_at_once(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("user:me", "phx_join")
        await client.ok("class:7", "phx_join")
    worker.authority.members["ana"] = member(1, "Ana", "student", OTHER_CLASS)
    await worker.engine.revalidate(None)
    await ana.until(lambda frame: frame[2:4] == ("class:7", "phx_close"))
    (changed,) = await ana.has(1, "rights:changed")
    assert [topic["topic"] for topic in changed["topics"]] == ["class:8", "role:students", "school"]
    assert await ana.refused("class:7", "message:send", {"text": "ainda aqui?"}) == "unmatched_topic"
    await bruno.ok("class:7", "message:send", {"text": "ana saiu"})
    assert ana.got("message:sent") == []
    assert bruno.got("rights:changed") == []
    await bruno.until(lambda frame: frame[3] == "presence_diff" and frame[4]["leaves"].keys() == {"1"})
    await ana.ok("class:8", "phx_join")


async def test_ended_class_is_read_and_not_changed(worker: Worker) -> None:
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    for client in (ana, paula):
        await client.ok("user:me", "phx_join")
        await client.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "antes"})
    ended = msgspec.structs.replace(CLASS, ended=True)
    worker.authority.members.update(ana=member(1, "Ana", "student", ended), paula=member(3, "Paula", "teacher", ended))
    await worker.engine.revalidate({1, 3})
    (changed,) = await ana.has(1, "rights:changed")
    assert changed["topics"][0] == {"topic": "class:7", "title": CLASS.title, "students": 30, "ended": True}
    assert ana.got("phx_close") == [], "who reads goes on reading"
    for client in (ana, paula):
        assert await client.refused("class:7", "message:send", {"text": "depois"}) == "ended"
    assert await paula.refused("class:7", "lesson:start", {}) == "ended"
    late = worker.connect(worker.authority.members["ana"])
    joined = await late.ok("class:7", "phx_join")
    assert [each["payload"]["text"] for each in joined["events"]] == ["antes"]
    await late.ok("class:7", "history:read", {"before": 2})


async def test_change_between_check_and_connect_is_noticed(worker: Worker) -> None:
    revision = worker.engine.revision
    del worker.authority.members["ana"]
    await worker.engine.revalidate({1})
    session = worker.engine.connect(ANA, JSON, revision)
    async with asyncio.timeout(5):
        while session.closing is None:
            await asyncio.sleep(0.001)
    assert session.closing.code == 4001
    worker.engine.disconnect(session)


async def test_changed_role_ends_the_connection(worker: Worker) -> None:
    ana = worker.connect(ANA)
    worker.authority.members["ana"] = member(1, "Ana", "teacher", CLASS)
    await worker.engine.revalidate({1})
    assert ana.closed_with == 4001


async def test_new_name_renews_the_member(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    worker.authority.members["ana"] = member(1, "Ana Clara", "student", *ANA.classes.values())
    await worker.engine.revalidate({1})
    await ana.ok("class:7", "message:send", {"text": "x"})
    assert (await ana.has(1))[0]["author"]["name"] == "Ana Clara"


async def test_check_of_one_connection_sets_off_no_others(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = []
    renew = worker.authority.renew

    async def counted(member: Member) -> Member | None:
        renewed.append(member.user.id)
        return await renew(member)

    monkeypatch.setattr(worker.authority, "renew", counted)
    before = worker.engine.revision
    await worker.engine.revalidate({99})
    sessions = [worker.engine.connect(ANA, JSON, before), worker.engine.connect(BRUNO, JSON, worker.engine.revision)]
    await asyncio.sleep(0.01)
    later = worker.engine.connect(PAULA, JSON, worker.engine.revision)
    await asyncio.sleep(0.01)
    assert renewed == [1]
    for session in (*sessions, later):
        worker.engine.disconnect(session)


async def test_connection_that_cannot_be_checked_is_asked_to_reconnect(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(member: Member) -> Member | None:
        raise Unavailable("away")

    monkeypatch.setattr(worker.authority, "renew", away)
    session = worker.engine.connect(ANA, JSON, worker.engine.revision - 1)
    await asyncio.sleep(0.01)
    assert session.closing is RESTARTING
    worker.engine.disconnect(session)


def due(who: Member) -> Member:
    """Return a sign-in as it is known where its end has come."""
    return msgspec.structs.replace(who, expires_at=1_000)


@pytest.mark.parametrize("event", ["message:send", "phx_join", "heartbeat"])
async def test_sign_in_past_its_end_does_nothing_more(worker: Worker, event: str) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("class:7", "phx_join")
    ana.session.member = due(ANA)
    del worker.authority.members["ana"]
    await ana.send("phoenix" if event == "heartbeat" else "class:7", event, {"text": "ainda aqui?"}, ref="99")
    async with asyncio.timeout(5):
        while ana.closed_with is None:
            await asyncio.sleep(0.001)
    assert ana.closed_with == 4001
    assert not [frame for frame in ana.frames if frame[1] == "99"]
    assert await bruno.ok("class:7", "message:send", {"text": "oi"}) == {"seq": 1, "at": ANY}


async def test_sign_in_that_was_extended_goes_on_in_order(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    ana.session.member = due(ANA)
    for text in ("um", "dois", "três"):
        await ana.send("class:7", "message:send", {"text": text})
    await ana.has(3, "message:sent")
    assert [event["text"] for event in ana.got("message:sent")] == ["um", "dois", "três"]
    assert ana.session.member is ANA


async def test_silent_client_is_closed_when_its_sign_in_ends(make_worker: Callable[..., Any]) -> None:
    worker = await make_worker(periods=Periods(sweep=0.02))
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    ana.session.member, bruno.session.member = due(ANA), due(BRUNO)
    del worker.authority.members["ana"]
    async with asyncio.timeout(5):
        while ana.closed_with is None:
            await asyncio.sleep(0.01)
    assert (ana.closed_with, bruno.closed_with) == (4001, None)
    assert bruno.session.member is BRUNO
