"""A restored backup is as it was made, under a new name, and gives nothing twice; what is no good backup is refused."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from server.backups import manifest
from server.backups.backup import make_backup
from server.backups.errors import BackupError
from server.backups.manifest import Manifest
from server.backups.restore import UNKNOWN_IDS, restore
from server.databases import Databases, reading, writing
from server.databases.accounts import Account, SchoolClass
from server.databases.audit import Record, add_records
from server.databases.erasures import add_erasure
from server.databases.holds import add_hold, all_holds
from server.process.sole_server import sole_server
from server.records.hold import Holds
from server.settings import Settings, SettingsError, database_urls
from tests.postgresql import PostgreSQL

EVENTS = """
    INSERT INTO events (topic_id, seq, event, author_id, at, payload)
    SELECT id, {seq}, 'message:sent', 1, 1, '{{}}' FROM topics WHERE name = 'class:1'
"""


def agree(whole: Manifest) -> None:
    """Confirm any restore."""


@pytest.fixture
async def school(databases: Databases, made_urls: dict[str, str], tmp_path: Path) -> Settings:
    """Return the settings of a school with a user, a class, a message and a record, after their first start."""
    async with writing(databases.sessions("accounts")) as db:
        db.add_all([Account(login="ana", name="Ana", role="student"), SchoolClass(title="6º A")])
    await change(databases, "journal", "INSERT INTO topics (name, seq) VALUES ('class:1', 1)", EVENTS.format(seq=1))
    await record(databases, "before")
    await databases.prepare()
    await databases.dispose()
    return Settings(data_dir=tmp_path, databases=made_urls)


async def change(databases: Databases, name: str, *statements: str) -> None:
    """Run statements in one transaction."""
    async with writing(databases.sessions(name)) as db:
        for statement in statements:
            await db.execute(text(statement))


async def record(databases: Databases, key: str) -> None:
    """Add a record to the audit log."""
    async with writing(databases.sessions("audit")) as db:
        await add_records(db, [Record(key, 1, "message:hidden")])


async def values(databases: Databases, name: str, query: str) -> list[Any]:
    """Return the first column of a query."""
    async with reading(databases.sessions(name)) as db:
        return list((await db.execute(text(query))).scalars())


async def go_on(settings: Settings) -> None:
    """Write more into the school after its backup: a user, a message and a record."""
    databases = Databases(settings.databases)
    async with writing(databases.sessions("accounts")) as db:
        db.add(Account(login="bia", name="Bia", role="student"))
    await change(databases, "journal", "UPDATE topics SET seq = 2", EVENTS.format(seq=2))
    await record(databases, "after")
    await databases.dispose()


@pytest.fixture
def place(request: pytest.FixtureRequest, school: Settings) -> Callable[[], Settings]:
    """Return a function that tells where to restore: the same files, or new databases of PostgreSQL."""

    def place() -> Settings:
        if "postgresql" not in school.databases["journal"]:
            return school
        server: PostgreSQL = request.getfixturevalue("postgresql")
        urls = {name: server.create_database() for name in ("accounts", "journal")}
        request.addfinalizer(lambda: server.drop_databases(*urls.values()))
        return Settings(data_dir=school.data_dir, databases={**school.databases, **urls})

    return place


async def test_backup_is_restored_under_a_new_name(
    school: Settings, place: Callable[[], Settings], tmp_path: Path
) -> None:
    made = (await make_backup(school, tmp_path / "backup")).manifest
    await go_on(school)
    settings = place()
    done = await restore(settings, tmp_path / "backup", agree)
    databases = Databases(settings.databases)
    await databases.prepare()
    assert await values(databases, "accounts", "SELECT login FROM users") == ["ana"]
    assert await values(databases, "journal", "SELECT seq FROM topics") == [1]
    # The log is not rolled back, and tells of the restore as soon as it is copied.
    assert await values(databases, "audit", "SELECT key FROM records ORDER BY id") == ["before", "after"]
    assert await values(databases, "accounts", "SELECT count(*) FROM audited") == [1]
    assert await values(databases, "journal", "SELECT epoch FROM journal") != [made.moment.epoch]
    user = Account(login="caio", name="Caio", role="student")
    async with writing(databases.sessions("accounts")) as db:
        db.add(user)
    await databases.dispose()
    assert user.id == done.after.user + 1 > UNKNOWN_IDS
    assert done.keeps_audit


@pytest.fixture
async def files(sqlite_tables: Path, tmp_path: Path) -> Settings:
    """Return the settings of an empty school in files."""
    data = tmp_path / "data"
    shutil.copytree(sqlite_tables, data)
    return Settings(data_dir=data, databases=database_urls(data))


async def test_replaced_files_are_kept_beside(files: Settings, tmp_path: Path) -> None:
    await make_backup(files, tmp_path / "backup")
    (files.data_dir / "journal.sqlite3").write_bytes(b"damaged")
    done = await restore(files, tmp_path / "backup", agree)
    (aside,) = done.aside
    assert (aside / "journal.sqlite3").read_bytes() == b"damaged"
    assert {path.name for path in files.data_dir.iterdir()} >= {"journal.sqlite3", "accounts.sqlite3", aside.name}
    assert not list(files.data_dir.glob("*-restoring*"))


async def test_lost_audit_log_comes_from_the_backup(files: Settings, tmp_path: Path) -> None:
    databases = Databases(files.databases)
    await record(databases, "before")
    await databases.dispose()
    await make_backup(files, tmp_path / "backup")
    (files.data_dir / "audit.sqlite3").unlink()
    assert not (await restore(files, tmp_path / "backup", agree)).keeps_audit
    with closing(sqlite3.connect(files.data_dir / "audit.sqlite3")) as audit:
        assert audit.execute("SELECT key FROM records").fetchall() == [("before",)]


async def test_sign_ins_that_ended_since_end_again(files: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(files.data_dir / "accounts.sqlite3")) as accounts, accounts:
        accounts.execute("INSERT INTO users (login, name, role, enabled, active) VALUES ('ana', '', 'student', 1, 1)")
        for secret in ("x'01'", "x'02'"):
            columns = "kind, user_id, secret_hash, created_at, expires_at"
            accounts.execute(f"INSERT INTO credentials ({columns}) VALUES ('session', 1, {secret}, 1, 1)")
    await make_backup(files, tmp_path / "backup")
    with closing(sqlite3.connect(files.data_dir / "accounts.sqlite3")) as accounts, accounts:
        accounts.execute("DELETE FROM credentials WHERE secret_hash = x'02'")
        accounts.execute("UPDATE users SET enabled = 0")
    done = await restore(files, tmp_path / "backup", agree)
    assert done.undone == (1, ["ana"], 0)
    with closing(sqlite3.connect(files.data_dir / "accounts.sqlite3")) as accounts:
        assert accounts.execute("SELECT hex(secret_hash) FROM credentials").fetchall() == [("01",)]


async def test_restore_is_refused_while_a_server_runs(files: Settings, tmp_path: Path) -> None:
    await make_backup(files, tmp_path / "backup")
    async with sole_server(files):
        with pytest.raises(SettingsError, match="stop it first"):
            await restore(files, tmp_path / "backup", agree)


async def test_mixed_backup_is_refused_and_changes_nothing(files: Settings, tmp_path: Path) -> None:
    await make_backup(files, tmp_path / "one")
    with closing(sqlite3.connect(files.data_dir / "journal.sqlite3")) as journal, journal:
        journal.execute("INSERT INTO topics (name, seq) VALUES ('class:1', 1)")
    await make_backup(files, tmp_path / "two")
    shutil.copy(tmp_path / "one" / "journal.sqlite3", tmp_path / "two")
    before = {path.name: path.read_bytes() for path in files.data_dir.glob("*.sqlite3")}
    with pytest.raises(BackupError, match="damaged, or of a backup of another moment"):
        await restore(files, tmp_path / "two", agree)
    assert {path.name: path.read_bytes() for path in files.data_dir.glob("*.sqlite3")} == before


async def test_backup_of_a_later_version_is_refused(files: Settings, tmp_path: Path) -> None:
    made = (await make_backup(files, tmp_path / "backup")).manifest
    later = msgspec.structs.replace(made.databases["journal"], revision="9999")
    databases = {**made.databases, "journal": later}
    manifest.write(tmp_path / "backup", msgspec.structs.replace(made, databases=databases))
    with pytest.raises(BackupError, match="later version of Lousa"):
        await restore(files, tmp_path / "backup", agree)


async def test_database_with_tables_is_not_overwritten(
    files: Settings, postgresql_tables: dict[str, str], postgresql: PostgreSQL, tmp_path: Path
) -> None:
    urls = {name: postgresql.create_database(template) for name, template in postgresql_tables.items()}
    settings = Settings(data_dir=tmp_path, databases=urls)
    await make_backup(settings, tmp_path / "backup")
    with pytest.raises(BackupError, match="“journal” is not empty: create a new one"):
        await restore(settings, tmp_path / "backup", agree)
    with pytest.raises(BackupError, match="“journal” of postgresql, and here it is sqlite"):
        await restore(files, tmp_path / "backup", agree)
    postgresql.drop_databases(*urls.values())


async def test_erased_person_is_erased_again(files: Settings, tmp_path: Path) -> None:
    word, name = "xilofonada", "Zuleica Quaresma"
    message = {"text": f"Isto é {word}.", "author": {"id": 1, "name": name, "role": "student"}}
    databases = Databases(files.databases)
    async with writing(databases.sessions("accounts")) as db:
        db.add_all([Account(login="zuleica", name=name, role="student"), SchoolClass(title="6º A")])
    await change(databases, "journal", "INSERT INTO topics (name, seq) VALUES ('class:1', 1)", EVENTS.format(seq=1))
    async with writing(databases.sessions("journal")) as db:
        await db.execute(text("UPDATE events SET payload = :payload"), {"payload": json.dumps(message)})
    await databases.prepare()
    await databases.dispose()
    await make_backup(files, tmp_path / "backup")
    async with writing(databases.sessions("audit")) as db:
        await add_erasure(db, 1, "remove", 1, None)
    await databases.dispose()
    assert (await restore(files, tmp_path / "backup", agree)).erased == 1
    restored = b"".join(path.read_bytes() for path in files.data_dir.glob("*.sqlite3*"))
    assert b"class:1" in restored
    assert not [planted for planted in (word, name) if planted.encode() in restored]


async def test_new_audit_log_gets_records_erasures_and_holds(
    school: Settings, place: Callable[[], Settings], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    databases = Databases(school.databases)
    async with writing(databases.sessions("audit")) as db:
        await add_erasure(db, 2, "keep", 1, None)
        await add_hold(db, 1, None, "Processo 12\tnº 3\\", 5, None)
    await databases.dispose()
    await make_backup(school, tmp_path / "backup")
    settings = place()
    if "postgresql" in settings.databases["audit"]:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        audit = server.create_database(request.getfixturevalue("postgresql_tables")["audit"])
        request.addfinalizer(lambda: server.drop_databases(audit))
        settings = Settings(data_dir=settings.data_dir, databases={**settings.databases, "audit": audit})
    else:
        shutil.copy(request.getfixturevalue("sqlite_tables") / "audit.sqlite3", settings.data_dir)
    assert (await restore(settings, tmp_path / "backup", agree)).keeps_audit
    databases = Databases(settings.databases)
    assert await values(databases, "audit", "SELECT key FROM records") == ["before"]
    assert await values(databases, "audit", "SELECT user_id FROM erasures") == [2]
    async with reading(databases.sessions("audit")) as db:
        assert [(each.user_id, each.reason, each.at) for each in await all_holds(db)] == [(1, "Processo 12\tnº 3\\", 5)]
    await databases.dispose()


async def test_lifted_hold_does_not_come_back(files: Settings, tmp_path: Path) -> None:
    databases, holds = Databases(files.databases), {}
    async with writing(databases.sessions("accounts")) as db:
        db.add_all([Account(login=login, name=login, role="student") for login in ("ana", "bia")])
    await databases.prepare()
    for login in ("ana", "bia"):
        holds[login] = await Holds(databases).on_person(login, "Processo 12", None)
    await databases.dispose()
    await make_backup(files, tmp_path / "backup")
    await Holds(databases).lift(holds["ana"], None)
    await databases.dispose()
    await restore(files, tmp_path / "backup", agree)
    assert [each.name for each in await Holds(databases).all()] == ["bia"]
    await databases.dispose()
