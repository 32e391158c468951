"""What is done in the journal and in the accounts is in the audit log, once, whatever dies in between."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from channels.journal.tables import audited_table
from channels.member import User
from server.audit.audit import Audit, keeping_audit
from server.databases import Databases, reading, writing
from server.databases.accounts import Audited
from server.databases.audit import Wanted
from server.databases.outbox import note_audited
from tests.channels.support import ANA, PAULA
from tests.server.conftest import TurnedClock
from tests.statements import recorded

CLASS = "class:7"
ALL = Wanted()
MARIA = User(9, "Maria", "principal")


async def kinds(audit: Audit, wanted: Wanted = ALL) -> list[str]:
    return [each.kind for each in await audit.find(wanted, None, 100)]


async def test_moderation_is_copied_with_whom_it_concerns(
    make_worker: Callable[..., Any], databases: Databases
) -> None:
    worker = await make_worker()
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    for client in (ana, paula):
        await client.ok(CLASS, "phx_join")
    target = (await ana.ok(CLASS, "message:send", {"text": "palavrão"}))["seq"]
    await paula.ok(CLASS, "message:hide", {"target": target, "reason": "ofensa"})
    await paula.ok(CLASS, "message:restore", {"target": target})
    audit = Audit(databases)
    await audit.catch_up()
    restored, hidden = await audit.find(ALL, None, 10)
    assert (hidden.kind, hidden.user_id, hidden.subject_id) == ("message:hidden", PAULA.user.id, ANA.user.id)
    assert (hidden.topic, hidden.target, hidden.detail) == (CLASS, target, {"reason": "ofensa"})
    assert (restored.kind, restored.detail) == ("message:restored", {})  # the words are in no record
    async with reading(databases.sessions("journal")) as db:
        assert (await db.execute(select(audited_table))).all() == []


async def test_copy_that_is_made_twice_counts_once(databases: Databases) -> None:
    async with writing(databases.sessions("accounts")) as db:
        await note_audited(db, 5, "sign-in", user_id=1, device="Firefox")
    async with reading(databases.sessions("accounts")) as db:
        (row,) = await db.scalars(select(Audited))
    audit = Audit(databases)
    await audit.catch_up()
    async with writing(databases.sessions("accounts")) as db:  # as if the worker had died before it deleted it
        db.add(Audited(record=row.record))
    await audit.catch_up()
    (found,) = await audit.find(ALL, None, 10)
    assert (found.kind, found.user_id, found.detail) == ("sign-in", 1, {"device": "Firefox"})


async def test_transaction_that_fails_is_not_recorded(databases: Databases) -> None:
    try:
        async with writing(databases.sessions("accounts")) as db:
            await note_audited(db, 5, "sign-in", user_id=1)
            raise KeyError
    except KeyError:
        pass
    audit = Audit(databases)
    await audit.catch_up()
    assert await kinds(audit) == []


async def test_more_than_one_batch_is_copied(databases: Databases, monkeypatch: Any) -> None:
    monkeypatch.setattr("server.audit.audit.AT_ONCE", 2)
    for at in range(5):
        async with writing(databases.sessions("accounts")) as db:
            await note_audited(db, at, "sign-in", user_id=at)
    audit = Audit(databases)
    await asyncio.gather(audit.catch_up(), Audit(databases).catch_up())
    assert [each.user_id for each in await audit.find(ALL, None, 10)] == [4, 3, 2, 1, 0]


async def test_records_are_found_by_kind_person_and_time(databases: Databases, clock: TurnedClock) -> None:
    audit = Audit(databases, clock)
    await audit.record("export", MARIA, topic=CLASS)
    clock.turn(1_000)
    await audit.record("message:original", User(3, "Paula", "teacher"), topic=CLASS, target=4, subject_id=MARIA.id)
    assert await kinds(audit, Wanted(["export"])) == ["export"]
    assert await kinds(audit, Wanted(persons=[MARIA.id])) == ["message:original", "export"]
    assert await kinds(audit, Wanted(persons=[3])) == ["message:original"]
    assert await kinds(audit, Wanted(since=clock.now)) == ["message:original"]
    assert await kinds(audit, Wanted(until=clock.now)) == ["export"]
    (first,) = await audit.find(ALL, None, 1)
    assert [each.kind for each in await audit.find(ALL, first.place, 10)] == ["export"]
    assert await audit.kinds() == ["export", "message:original"]


async def test_running_server_copies_by_itself(databases: Databases) -> None:
    audit = Audit(databases)
    async with keeping_audit(audit, seconds=0.01), asyncio.timeout(10):
        async with writing(databases.sessions("accounts")) as db:
            await note_audited(db, 5, "sign-in", user_id=1)
        while await kinds(audit) != ["sign-in"]:
            await asyncio.sleep(0.01)


async def test_event_of_several_topics_is_recorded_once(make_worker: Callable[..., Any], databases: Databases) -> None:
    worker = await make_worker()
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    await ana.ok(CLASS, "phx_join")
    await paula.ok(CLASS, "phx_join")
    await paula.ok(CLASS, "member:mute", {"user": ANA.user.id, "minutes": 5})
    await paula.ok(CLASS, "chat:lock", {"notes": True})
    audit = Audit(databases)
    await audit.catch_up()
    locked, muted = await audit.find(ALL, None, 10)
    assert (locked.kind, locked.user_id, locked.detail) == ("chat:locked", PAULA.user.id, {"notes": True})
    assert (muted.kind, muted.user_id, muted.subject_id) == ("member:muted", PAULA.user.id, ANA.user.id)


async def test_files_that_have_not_changed_are_not_read_again(databases: Databases) -> None:
    audit = Audit(databases)
    await audit.catch_up()
    asked = []
    for name in ("accounts", "journal"):
        with recorded(databases.engine(name), lambda statement: "audited" in statement) as statements:
            await audit.catch_up()
            asked.append(len(statements))
    assert asked == ([0, 0] if databases.engine("accounts").dialect.name == "sqlite" else [1, 1])
    async with writing(databases.sessions("accounts")) as db:
        await note_audited(db, 5, "sign-in", user_id=1)
    await audit.catch_up()
    assert await kinds(audit) == ["sign-in"]
