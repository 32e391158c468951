"""What is older than the school keeps it goes; what must stay does; and clients are told the truth."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select, text

from server.accounts.school_settings import get_settings, set_settings
from server.clock import DAY, now_ms
from server.databases import Databases, reading, writing
from server.databases.audit import AuditRecord, Record, add_records
from server.databases.holds import add_hold
from server.databases.outbox import new_key
from server.records.hold import Holds
from server.records.keeper import Keeper
from server.records.retention import MONTH_MS, Retention
from tests.channels.support import ANA, BRUNO, PAULA, Client, Worker
from tests.server.records.conftest import MakeWorker
from tests.server.records.test_erase import CLASS, STAFF, joined, of

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)]


async def keep(databases: Databases, **months: int) -> None:
    """Set for how many months things are kept."""
    sessions = databases.sessions("accounts")
    await set_settings(sessions, msgspec.structs.replace(await get_settings(sessions), **months))


async def age(databases: Databases, months: int = 14) -> None:
    """Make everything that was said older."""
    async with writing(databases.sessions("journal")) as db:
        await db.execute(text("UPDATE events SET at = at - :ms"), {"ms": months * 31 * DAY})


async def expire(databases: Databases, *workers: Worker) -> dict[str, int]:
    deleted = await Retention(databases).run()
    for worker in workers:
        worker.engine.look()
    return deleted


async def said(client: Client) -> list[str]:
    page = await client.ok(CLASS, "history:read", {"before": 1_000, "limit": 100})
    return [each["payload"].get("text", each["event"]) for each in page["events"]]


async def say(client: Client, *texts: str) -> list[int]:
    return [
        int((await client.ok(CLASS, "message:send", {"text": each, "id": each[:30].encode().hex()}))["seq"])
        for each in texts
    ]


@pytest.mark.parametrize("made_urls", KINDS, indirect=True)
async def test_old_messages_go_and_clients_below_are_told(
    databases: Databases, school: int, make_worker: MakeWorker
) -> None:
    worker = await make_worker()
    ana, bruno = await joined(worker, of(ANA), of(BRUNO))
    await say(ana, "um", "dois")
    await ana.ok(CLASS, "hand:raise", {"id": "h"})
    await age(databases)
    newer = await say(bruno, "novo")
    await keep(databases, keep_messages=12)
    assert (await expire(databases, worker))["messages"] == 3
    await bruno.has(1, "history:trimmed")
    assert await said(bruno) == ["novo", "history:trimmed"]
    late = worker.connect(of(BRUNO))
    assert (await late.ok(CLASS, "phx_join", {"since": newer[0]}))["complete"] is True
    below = await late.ok(CLASS, "phx_join", {"since": 1})
    assert (below["complete"], [each["payload"]["seq"] for each in below["events"]]) == (False, [*newer, newer[0] + 1])


@pytest.mark.parametrize("made_urls", KINDS, indirect=True)
async def test_reported_pinned_and_held_messages_stay(
    databases: Databases, school: int, make_worker: MakeWorker
) -> None:
    worker = await make_worker()
    ana, bruno = await joined(worker, of(ANA), of(BRUNO))
    (paula,) = await joined(worker, of(PAULA), topics=(CLASS, STAFF))
    reported, pinned, settled, _ = await say(ana, "denunciada", "fixada", "resolvida", "outra")
    await say(bruno, "de quem fica guardado")
    await bruno.ok(CLASS, "message:flag", {"target": reported, "reason": "insult", "id": "f1"})
    await bruno.ok(CLASS, "message:flag", {"target": settled, "reason": "insult", "id": "f2"})
    await paula.ok(STAFF, "flag:close", {"target": 2, "outcome": "resolvido", "id": "c"})
    await paula.ok(CLASS, "message:pin", {"target": pinned, "id": "p"})
    async with writing(databases.sessions("audit")) as db:
        await add_hold(db, BRUNO.user.id, None, "Processo 12", now_ms(), None)
    await age(databases)
    async with writing(databases.sessions("journal")) as db:
        older = text("UPDATE events SET payload = replace(payload, :closed, :long_ago)")
        await db.execute(older, {"closed": '"closed":1', "long_ago": '"closed":'})
    await keep(databases, keep_messages=12, keep_notes=12)
    await expire(databases, worker)
    assert await said(paula) == ["denunciada", "fixada", "de quem fica guardado", "message:pinned", "history:trimmed"]
    state = (await paula.ok(STAFF, "phx_join"))["state"]["flags"]
    assert [each["payload"]["target"] for each in state["open"]] == [reported]


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_held_class_keeps_everything(databases: Databases, school: int, make_worker: MakeWorker) -> None:
    worker = await make_worker()
    (ana,) = await joined(worker, of(ANA))
    await say(ana, "um")
    await age(databases)
    async with writing(databases.sessions("audit")) as db:
        await add_hold(db, None, school, "Processo 12", now_ms(), None)
    await keep(databases, keep_messages=12)
    assert (await expire(databases, worker))["messages"] == 0


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_class_goes_on_after_its_newest_rule_has_expired(
    databases: Databases, school: int, make_worker: MakeWorker
) -> None:
    worker = await make_worker()
    (paula,) = await joined(worker, of(PAULA))
    poll = int((await paula.ok(CLASS, "poll:open", {"question": "Sim?", "id": "o"}))["seq"])
    await paula.ok(CLASS, "poll:close", {"target": poll, "id": "c"})
    await age(databases)
    await keep(databases, keep_polls=1)
    await expire(databases, worker)
    other = await make_worker()
    (late,) = await joined(other, of(PAULA))
    await say(late, "segue")
    assert (await late.ok(CLASS, "phx_join"))["state"]["polls"] == []


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_of_two_workers_one_deletes_each_night(
    databases: Databases, school: int, make_worker: MakeWorker
) -> None:
    worker = await make_worker()
    (ana,) = await joined(worker, of(ANA))
    await say(ana, "um")
    await age(databases)
    await keep(databases, keep_messages=1)
    for keeper in (Keeper(databases), Keeper(databases)):
        await keeper.check()
    async with reading(databases.sessions("audit")) as db:
        kinds = (await db.scalars(select(AuditRecord.kind).where(AuditRecord.kind.like("records:%")))).all()
    assert sorted(kinds) == ["records:begun", "records:expired"]


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_free_pages_are_given_back(
    databases: Databases, school: int, make_worker: MakeWorker, tmp_path: Path
) -> None:
    worker = await make_worker()
    (ana,) = await joined(worker, of(ANA))
    await say(ana, "x" * 1_900)
    copies = (
        "INSERT INTO events (topic_id, seq, event, author_id, at, payload) WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 400) SELECT topic_id, i, event, author_id, at, payload FROM events, n"
    )
    async with writing(databases.sessions("journal")) as db:
        await db.execute(text(copies))
        await db.execute(text("UPDATE topics SET seq = 400"))
    await age(databases)
    await keep(databases, keep_messages=1)
    file = tmp_path / "journal.sqlite3"
    async with databases.engine("journal").connect() as connection:
        await connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    before = file.stat().st_size
    await expire(databases, worker)
    assert file.stat().st_size < before / 2


async def log_of(databases: Databases) -> list[tuple[str, int | None, int | None]]:
    async with reading(databases.sessions("audit")) as db:
        records = (await db.scalars(select(AuditRecord).order_by(AuditRecord.id))).all()
    return [(each.kind, each.user_id, each.subject_id) for each in records if each.kind != "hold:set"]


async def note(
    databases: Databases, kind: str, months: int, by: int, about: int | None = None, topic: str = ""
) -> None:
    """Record something that was done so many months ago."""
    at = now_ms() - months * MONTH_MS - DAY
    async with writing(databases.sessions("audit")) as db:
        await add_records(db, [Record(new_key(), at, kind, by, about, topic or None)])


@pytest.mark.parametrize("made_urls", KINDS, indirect=True)
async def test_sign_ins_go_before_the_log_unless_held(databases: Databases, school: int) -> None:
    await Holds(databases).on_person("bruno", "Processo 12", None)
    await Holds(databases).on_class("6º A · Matemática", "Processo 13", None)
    for by in (ANA.user.id, BRUNO.user.id):
        await note(databases, "sign-in:made", 6, by)
        await note(databases, "sign-in:made", 5, by)
    await note(databases, "message:original", 23, PAULA.user.id, about=ANA.user.id)
    await note(databases, "message:original", 24, PAULA.user.id, about=ANA.user.id)
    await note(databases, "message:original", 24, PAULA.user.id, about=BRUNO.user.id)
    await note(databases, "message:original", 24, PAULA.user.id, about=ANA.user.id, topic=STAFF)
    async with writing(databases.sessions("accounts")) as db:
        await db.execute(text("UPDATE users SET signed_in_at = 1"))
        await db.execute(text("UPDATE users SET signed_in_at = :now WHERE id = 3"), {"now": now_ms()})
    assert await Retention(databases).run() == {"sign_ins": 1, "log": 1}
    assert await log_of(databases) == [
        ("sign-in:made", 1, None),
        ("sign-in:made", 2, None),
        ("sign-in:made", 2, None),
        ("message:original", 3, 1),
        ("message:original", 3, 2),
        ("message:original", 3, 1),
        ("records:expired", None, None),
    ]
    async with reading(databases.sessions("accounts")) as db:
        last = (await db.execute(text("SELECT id, signed_in_at FROM users WHERE signed_in_at > 0 ORDER BY id"))).all()
    assert [row.id for row in last] == [BRUNO.user.id, PAULA.user.id]


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_night_without_anything_old_is_not_recorded(databases: Databases, school: int) -> None:
    await note(databases, "sign-in:made", 5, ANA.user.id)
    await Keeper(databases).check()
    assert [kind for kind, _, _ in await log_of(databases)] == ["sign-in:made"]
    await note(databases, "sign-in:made", 7, ANA.user.id)
    await Keeper(databases).check()
    assert [kind for kind, _, _ in await log_of(databases)] == ["sign-in:made", "records:begun", "records:expired"]
