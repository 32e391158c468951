"""A person is erased by law: their name and words are nowhere any more, and everything else is as before."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select, text

from channels.broker.memory import MemoryBus
from channels.lesson.erasing import Way
from channels.member import Member, User
from server.accounts.refusals import UserError
from server.audit.audit import Audit
from server.clock import DAY, now_ms
from server.databases import Databases, reading, writing
from server.databases.accounts import Account
from server.databases.audit import AuditRecord
from server.databases.erasures import find_erasure
from server.databases.holds import add_hold
from server.records import erase_again
from server.records.erase import Eraser
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Client, Worker
from tests.scenarios.planted import memory_with
from tests.server.people import People
from tests.server.records.conftest import MakeWorker, bytes_of

CLASS, STAFF = "class:1", "class:1:staff"
# Letters alone, which no other test has: the index of texts reads it as one word.
WORD, NAME = "xilofonada", "Zuleica Quaresma"


def of(member: Member, name: str = "") -> Member:
    """Return a member who is in the class of the school's fixture."""
    room = next(iter(member.classes.values()))
    user = User(member.user.id, name or member.user.name, member.user.role)
    return Member(user, member.login, member.credential_id, {1: type(room)(1, room.title, 30)})


async def joined(worker: Worker, *members: Member, topics: tuple[str, ...] = (CLASS,)) -> list[Client]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        for topic in topics:
            await client.ok(topic, "phx_join")
    return clients


async def plant(ana: Client, bruno: Client, paula: Client) -> int:
    """Let Ana say the word, and let it and her name get everywhere; return the position of her message."""
    target = int((await ana.ok(CLASS, "message:send", {"text": f"Isto é {WORD}.", "id": "a1"}))["seq"])
    await ana.ok(CLASS, "message:edit", {"target": target, "text": f"Isto era {WORD}.", "id": "a2"})
    hidden = int((await ana.ok(CLASS, "message:send", {"text": WORD, "mentions": [2], "id": "a3"}))["seq"])
    await bruno.ok(CLASS, "message:send", {"text": "Não concordo.", "reply_to": target, "id": "b1"})
    await bruno.ok(CLASS, "message:flag", {"target": target, "reason": "other", "note": "Ela disse.", "id": "b2"})
    await ana.ok(CLASS, "message:react", {"target": target, "emoji": "👍"})
    await ana.ok(CLASS, "hand:raise", {"id": "a4"})
    await ana.ok(CLASS, "note:send", {"text": f"Professora, {WORD}", "id": "a5"})
    await paula.ok(CLASS, "message:pin", {"target": target, "id": "p1"})
    lesson = int((await paula.ok(CLASS, "lesson:start", {"title": "Frações", "id": "p2"}))["seq"])
    await paula.ok(CLASS, "message:hide", {"target": hidden, "reason": WORD, "id": "p3"})
    await paula.ok(CLASS, "message:restore", {"target": hidden, "id": "p4"})
    note = {"target": lesson, "user": 1, "mark": "late", "note": f"Disse {WORD}.", "id": "p5"}
    await paula.ok(STAFF, "attendance:correct", note)
    await paula.ok(CLASS, "message:send", {"text": "Vamos começar.", "id": "p6"})
    return target


async def index(databases: Databases, worker: Worker) -> None:
    """Wait until the index of texts has what was said."""
    async with asyncio.timeout(10):
        while await worker.journal.unindexed():
            await worker.journal.follow([CLASS, STAFF, "user:1", "user:2", "user:3", "principals"])


async def erased(databases: Databases, *workers: Worker, way: Way = "remove", user_id: int = 1) -> None:
    """Erase Ana, and let the workers notice as their watchers would."""
    eraser = Eraser(databases, settle_seconds=0)
    await eraser.begin(user_id, way, by=None)
    await eraser.finish(user_id)
    for worker in workers:
        worker.engine.look()


async def reads(client: Client, since: int = 0) -> str:
    """Return all that a client reads of the class: as who joins, and as who comes back."""
    found = [await client.ok(CLASS, "phx_join"), await client.ok(CLASS, "phx_join", {"since": since})]
    found.append(await client.ok(CLASS, "history:read", {"before": 1_000, "limit": 100}))
    return json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize("made_urls", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
async def test_planted_word_of_an_erased_pupil_is_nowhere(
    databases: Databases, school: int, make_worker: MakeWorker, people: People, tmp_path: Path
) -> None:
    bus = MemoryBus()
    worker, other = await make_worker(bus), await make_worker(bus)
    async with writing(databases.sessions("accounts")) as db:
        await db.execute(text("UPDATE users SET name = :name WHERE id = 1"), {"name": NAME})
    for each in (worker, other):
        each.authority.members["ana"] = of(ANA, NAME)
    ana, bruno = await joined(worker, of(ANA, NAME), of(BRUNO))
    (paula,) = await joined(other, of(PAULA), topics=(CLASS, STAFF))
    target = await plant(ana, bruno, paula)
    await index(databases, worker)
    await Audit(databases).catch_up()
    before = json.loads(await reads(bruno))
    assert json.dumps(before, ensure_ascii=False).count(WORD) > 5, before
    ana.gone()
    for each in (worker, other):
        del each.authority.members["ana"]

    await erased(databases, worker, other)

    for client in (bruno, paula):
        await client.has(1, "person:erased")
        assert client.got("person:erased")[0]["user"]["name"] == "Former pupil"
    assert await _left_in_memory(worker, other) == []
    late = (await joined(worker, of(PAULA), topics=(CLASS, STAFF)))[0]
    for client in (bruno, late, (await joined(other, of(BRUNO)))[0]):
        told = await reads(client, since=target - 1)
        assert not [each for each in (WORD, NAME) if each in told], told
        assert json.loads(told)[1]["complete"] is True
    assert await worker.journal.find(WORD, [CLASS], None, 5) == []
    for name in databases.names:
        assert not await _rows_with(databases, name, WORD, NAME), name
    if databases.engine("journal").dialect.name == "sqlite":
        for name, content in bytes_of(tmp_path).items():
            assert not [each for each in (WORD, NAME) if each.encode() in content], name


async def plant_as_staff(paula: Client) -> None:
    """Let Paula say the word in all that a teacher can write, and change, withdraw and cancel some of it."""
    announced = [{"text": f"{WORD} {number}", "title": WORD, "id": f"n{number}"} for number in range(3)]
    here = [int((await paula.ok(CLASS, "announcement:send", each))["seq"]) for each in announced]
    await paula.ok(CLASS, "announcement:correct", {"target": here[1], "title": f"{WORD}!", "text": WORD, "id": "n4"})
    await paula.ok(CLASS, "announcement:correct", {"target": here[2], "title": WORD, "text": f"{WORD}?", "id": "n5"})
    await paula.ok(CLASS, "announcement:withdraw", {"target": here[2], "id": "n6"})
    later = {"text": WORD, "title": WORD, "to": [CLASS], "publish_at": now_ms() + DAY}
    plans = [await paula.ok("user:me", "announcement:send", {**later, "id": each}) for each in ("l1", "l2")]
    await paula.ok("user:me", "announcement:cancel", {"target": plans[0]["seq"], "id": "l3"})
    lesson = int((await paula.ok(CLASS, "lesson:start", {"title": WORD, "id": "s1"}))["seq"])
    await paula.ok(STAFF, "attendance:correct", {"target": lesson, "user": 1, "mark": "late", "note": WORD, "id": "s2"})
    poll = {"question": f"{WORD}?", "options": [f"{WORD} sim", f"{WORD} não"], "id": "s3"}
    await paula.ok(CLASS, "poll:close", {"target": (await paula.ok(CLASS, "poll:open", poll))["seq"], "id": "s4"})
    await paula.ok(CLASS, "poll:open", {**poll, "id": "s5"})
    pinned = int((await paula.ok(CLASS, "message:send", {"text": WORD, "id": "s6"}))["seq"])
    await paula.ok(CLASS, "message:pin", {"target": pinned, "id": "s7"})


@pytest.mark.parametrize("made_urls", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
async def test_planted_word_of_an_erased_teacher_is_nowhere(
    databases: Databases, school: int, make_worker: MakeWorker, people: People, tmp_path: Path
) -> None:
    bus = MemoryBus()
    worker, other = await make_worker(bus), await make_worker(bus)
    (paula,) = await joined(worker, of(PAULA), topics=(CLASS, STAFF, "user:me"))
    (bruno,) = await joined(other, of(BRUNO))
    await plant_as_staff(paula)
    await index(databases, worker)
    await Audit(databases).catch_up()
    assert (await reads(bruno)).count(WORD) > 10
    paula.gone()
    for each in (worker, other):
        del each.authority.members["paula"]

    await erased(databases, worker, other, user_id=PAULA.user.id)

    await bruno.has(1, "person:erased")
    # Who was told loads anew at once, and gets nothing of it.
    assert WORD not in await reads(bruno)
    assert await _left_in_memory(worker, other) == []
    for name in databases.names:
        assert not await _rows_with(databases, name, WORD), name
    if databases.engine("journal").dialect.name == "sqlite":
        for name, content in bytes_of(tmp_path).items():
            assert WORD.encode() not in content, name


async def _left_in_memory(*workers: Worker) -> list[str]:
    """Return where workers still have the word or the name, once what is under way is done."""
    found = ["not looked yet"]
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            while found := [place for worker in workers for place in in_memory(worker)]:
                await asyncio.sleep(0.05)
    return found


def in_memory(worker: Worker) -> list[str]:
    """Return where a worker has the word or the name in its memory."""
    # Not by way of the event loop, which leads to this test's own words.
    apart = (Client, asyncio.AbstractEventLoop, asyncio.Future, asyncio.TimerHandle, asyncio.Handle)
    return [each for word in (WORD, NAME) for each in memory_with(word, worker.engine, without=apart)]


async def _rows_with(databases: Databases, name: str, *words: str) -> list[str]:
    """Return the tables of a database in which a row has one of these words."""
    engine, found = databases.engine(name), []
    tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if engine.dialect.name == "postgresql":
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    async with engine.connect() as connection:
        for (table,) in (await connection.execute(text(tables))).all():
            rows = (await connection.execute(text(f'SELECT * FROM "{table}"'))).all()
            if any(word in str(value) for row in rows for value in row for word in words):
                found.append(table)
    return found


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
@pytest.mark.parametrize("way", ["keep", "unlink"])
async def test_texts_of_an_erased_pupil_stay_without_the_name(
    databases: Databases, school: int, make_worker: MakeWorker, way: str
) -> None:
    worker = await make_worker()
    ana, bruno = await joined(worker, of(ANA), of(BRUNO))
    (paula,) = await joined(worker, of(PAULA), topics=(CLASS, STAFF))
    target = await plant(ana, bruno, paula)
    ana.gone()
    await erased(databases, worker, way=cast(Way, way))
    page = await bruno.ok(CLASS, "history:read", {"before": 1_000, "limit": 100})
    sent = next(each["payload"] for each in page["events"] if each["payload"]["seq"] == target)
    number = 0 if way == "unlink" else 1
    assert (sent["text"], sent["author"]) == (
        f"Isto era {WORD}.",
        {"id": number, "name": "Former pupil", "role": "student"},
    )
    assert await worker.journal.version(CLASS, target, target + 1) is None


@pytest.mark.parametrize("made_urls", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
async def test_announcement_of_somebody_unlinked_goes_on_without_the_number(
    databases: Databases, school: int, make_worker: MakeWorker
) -> None:
    worker = await make_worker()
    other = Member(User(5, "Vice", "principal"), "vice", 5, of(DIRETORA).classes)
    worker.authority.members |= {"vice": other, "ana": of(ANA), "bruno": of(BRUNO), "paula": of(PAULA)}
    ana, bruno, first, vice = await joined(worker, of(ANA), of(BRUNO), of(DIRETORA), other)
    given = {"text": "Prova na sexta.", "to": [CLASS, "school"], "acknowledge": True, "id": "d1"}
    target = int((await first.ok(CLASS, "announcement:send", given))["seq"])
    await ana.ok(CLASS, "announcement:acknowledge", {"target": target, "id": "a1"})
    first.gone()
    eraser = Eraser(databases, settle_seconds=0)
    await eraser.begin(DIRETORA.user.id, "unlink", by=None)
    await eraser.finish(DIRETORA.user.id)
    # The worker does not know yet, and stores this under the former name.
    for client in (ana, bruno):
        await client.ok(CLASS, "announcement:acknowledge", {"target": target, "id": "late"})
    worker.engine.look()
    async with asyncio.timeout(10):
        while (await vice.ok(CLASS, "phx_join"))["state"]["announcements"][0]["payload"]["author"]["id"]:
            await asyncio.sleep(0.02)
    await eraser.finish(DIRETORA.user.id)
    found = await vice.ok(CLASS, "announcement:progress", {"target": target})
    assert found["acknowledged"] == 2
    async with databases.engine("journal").connect() as connection:
        names = [row.name for row in await connection.execute(text("SELECT name FROM topics"))]
    assert not [name for name in names if name.startswith("announcement:4:")], names
    await vice.ok(CLASS, "announcement:withdraw", {"target": target, "id": "v1"})
    async with databases.engine("journal").connect() as connection:
        left = (await connection.execute(text("SELECT payload FROM events WHERE event = 'announcement:sent'"))).all()
    assert [json.loads(row.payload)["text"] for row in left] == ["", ""]


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_erased_pupil_stays_erased_in_a_restored_backup(
    databases: Databases, school: int, make_worker: MakeWorker
) -> None:
    worker = await make_worker()
    (ana,) = await joined(worker, of(ANA))
    backup = {}
    await ana.ok(CLASS, "message:send", {"text": WORD, "id": "a1"})
    for name in ("accounts", "journal"):
        backup[name] = await _dumped(databases, name)
    await erased(databases)
    for name, rows in backup.items():
        await _restored(databases, name, rows)
    assert await _rows_with(databases, "journal", WORD) == ["events"]

    assert await erase_again(databases) == 1

    for name in databases.names:
        assert not await _rows_with(databases, name, WORD)
    async with reading(databases.sessions("accounts")) as db:
        account = await db.scalar(select(Account).where(Account.id == 1))
    assert account is not None
    assert (account.name, account.may_sign_in) == ("Former pupil", False)


Rows = dict[str, list[dict[str, Any]]]
_TABLES = {"accounts": ("users", "enrolments"), "journal": ("events", "topics")}


async def _dumped(databases: Databases, name: str) -> Rows:
    async with databases.engine(name).connect() as connection:
        return {
            table: [dict(row._mapping) for row in await connection.execute(text(f"SELECT * FROM {table}"))]
            for table in _TABLES[name]
        }


async def _restored(databases: Databases, name: str, tables: Rows) -> None:
    async with databases.engine(name).execution_options(writes=True, recreates=True).begin() as connection:
        for table, rows in tables.items():
            await connection.execute(text(f"DELETE FROM {table}"))
            for row in rows:
                names, places = ", ".join(row), ", ".join(f":{each}" for each in row)
                await connection.execute(text(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({places})"), row)


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_person_under_a_legal_hold_is_not_erased(databases: Databases, school: int) -> None:
    for held in ({"user_id": 1, "class_id": None}, {"user_id": None, "class_id": school}):
        async with writing(databases.sessions("audit")) as db:
            hold = await add_hold(db, **held, reason="Processo 12", at=1, by=None)
        with pytest.raises(UserError, match="hold"):
            await Eraser(databases).begin(1, "remove", None)
        async with writing(databases.sessions("audit")) as db:
            await db.execute(text("DELETE FROM holds WHERE id = :id"), {"id": hold})
    async with reading(databases.sessions("audit")) as db:
        assert await find_erasure(db, 1) is None


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_audit_log_keeps_the_fact_of_an_erasure(databases: Databases, school: int) -> None:
    await erased(databases)
    async with reading(databases.sessions("audit")) as db:
        (record,) = (await db.scalars(select(AuditRecord).where(AuditRecord.kind == "person:erased"))).all()
        erasure = await find_erasure(db, 1)
    assert (record.subject_id, json.loads(record.detail)) == (1, {"way": "remove"})
    assert erasure is not None
    assert erasure.finished_at is not None


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_principal_alone_is_erased_by_another(databases: Databases, school: int) -> None:
    with pytest.raises(UserError, match="own account"):
        await Eraser(databases).begin(DIRETORA.user.id, "remove", DIRETORA.user.id)
