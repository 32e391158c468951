import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text

from server.databases import SCHEMAS, Databases, migration, reading, writing
from server.databases.accounts import Account, SchoolClass
from server.databases.changes import newest_change, note_changes
from server.databases.errors import DatabaseError
from server.settings import database_urls


@pytest.mark.parametrize("name", list(SCHEMAS))
async def test_revisions_create_exactly_the_tables_of_the_code(databases: Databases, name: str) -> None:
    async with databases.engine(name).connect() as connection:
        assert await connection.run_sync(_differences, SCHEMAS[name].metadata) == []


def _differences(connection: Connection, metadata: MetaData) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True, "include_name": _is_ours}
    )
    return list(compare_metadata(context, metadata))


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    # What finds texts differs by the kind of database, so it is not among the tables of the code.
    return not (name or "").startswith("search_words")


async def test_upgrading_twice_changes_nothing(databases: Databases) -> None:
    before = await _epoch(databases)
    await databases.upgrade()
    assert await _epoch(databases) == before


async def test_new_journal_has_a_random_epoch(databases: Databases) -> None:
    assert re.fullmatch("[0-9a-f]{16}", await _epoch(databases))


async def test_journal_gets_a_permanent_key(databases: Databases) -> None:
    async with reading(databases.sessions("journal")) as session:
        key = str(await session.scalar(text("SELECT key FROM journal")))
    await databases.upgrade()
    async with reading(databases.sessions("journal")) as session:
        assert await session.scalar(text("SELECT key FROM journal")) == key
    assert re.fullmatch("[0-9a-f]{64}", key)


async def _epoch(databases: Databases) -> str:
    async with reading(databases.sessions("journal")) as session:
        return str(await session.scalar(text("SELECT epoch FROM journal")))


async def test_only_sqlite_is_upgraded_at_the_start(urls: dict[str, str]) -> None:
    databases = Databases(urls)
    if databases.engine("accounts").dialect.name == "sqlite":
        await databases.prepare()
    else:
        with pytest.raises(DatabaseError, match="database upgrade"):
            await databases.prepare()
        await databases.upgrade()
        await databases.prepare()
    await databases.dispose()


async def test_upgrade_keeps_change_notes_and_continues_their_numbers(urls: dict[str, str]) -> None:
    databases = Databases(urls)
    async with databases.engine("accounts").connect() as connection:
        await connection.execution_options(writes=True)
        await connection.run_sync(_upgrade_to, "0001")
        await connection.execute(text("INSERT INTO changes (id, user_id, at) VALUES (4, 7, 1), (9, NULL, 2)"))
        await connection.commit()
    await databases.upgrade()
    async with writing(databases.sessions("accounts")) as session:
        assert await newest_change(session) == 9
        await note_changes(session, [8], 3)
        rows = (await session.execute(text("SELECT id, kind, user_id, at FROM changes ORDER BY id"))).all()
    assert [tuple(row) for row in rows] == [(4, "user", 7, 1), (9, "everybody", None, 2), (10, "user", 8, 3)]
    await databases.dispose()


@pytest.mark.parametrize("urls", ["sqlite"], indirect=True)
async def test_upgrade_to_ids_without_reuse_keeps_all_rows(urls: dict[str, str]) -> None:
    databases = Databases(urls)
    async with databases.engine("accounts").connect() as connection:
        await connection.execution_options(writes=True)
        await connection.run_sync(_upgrade_to, "0002")
        for statement in _SCHOOL_OF_0002:
            await connection.execute(text(statement))
        await connection.commit()
    await databases.upgrade()
    async with writing(databases.sessions("accounts")) as session:
        assert (await session.execute(text("SELECT user_id, class_id FROM enrolments"))).all() == [(7, 3)]
        assert await session.scalar(text("PRAGMA foreign_keys")) == 1
        for table in ("enrolments", "users", "classes"):
            await session.execute(text(f"DELETE FROM {table}"))
        user, class_ = Account(login="bia", name="Bia", role="student"), SchoolClass(title="7º A")
        session.add_all([user, class_])
        await session.flush()
        assert (user.id, class_.id) == (8, 4)
    await databases.dispose()


_SCHOOL_OF_0002 = [
    "INSERT INTO users (id, login, name, role, enabled, active) VALUES (7, 'ana', 'Ana', 'student', 1, 1)",
    "INSERT INTO classes (id, title, grade, active) VALUES (3, '6º A', '', 1)",
    "INSERT INTO enrolments (user_id, class_id, role, active) VALUES (7, 3, 'student', 1)",
]


_EVENT = "INSERT INTO events (topic_id, seq, event, author_id, at, payload) VALUES (1, :seq, 'x', 1, 0, '')"


def _upgrade_to(connection: Connection, revision: str) -> None:
    migration.upgrade(connection, SCHEMAS["accounts"], revision)


async def test_upgrade_finds_what_earlier_amendments_are_about(urls: dict[str, str]) -> None:
    databases = Databases(urls)
    async with databases.engine("journal").connect() as connection:
        await connection.execution_options(writes=True)
        await connection.run_sync(lambda each: migration.upgrade(each, SCHEMAS["journal"], "0006"))
        await connection.execute(text("INSERT INTO topics (id, name, seq) VALUES (1, 'class:7', 4)"))
        for seq in range(1, 5):
            await connection.execute(text(_EVENT), {"seq": seq})
        # Event 3 amends 2, then 4 amends 2 and, because it is about 2, also 3.
        await connection.execute(text("INSERT INTO versions VALUES (1, 2, 3, ''), (1, 2, 4, ''), (1, 3, 4, '')"))
        await connection.commit()
    await databases.upgrade()
    async with reading(databases.sessions("journal")) as session:
        rows = await session.execute(text("SELECT seq, about FROM events ORDER BY seq"))
        assert [tuple(row) for row in rows] == [(1, None), (2, None), (3, 2), (4, 2)]
    await databases.dispose()


async def test_database_of_a_later_version_is_refused_unchanged(databases: Databases) -> None:
    async with writing(databases.sessions("journal")) as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for prepare in (databases.prepare, databases.upgrade):
        with pytest.raises(DatabaseError, match="“journal” belongs to a later version"):
            await prepare()


async def test_failed_revision_is_rolled_back(databases: Databases) -> None:
    async with writing(databases.sessions("accounts")) as session:
        for statement in (
            "DELETE FROM alembic_version",
            "DROP TABLE schools",
            "DROP TABLE changes",
            "DROP TABLE change_counter",
        ):
            await session.execute(text(statement))
    with pytest.raises(DatabaseError, match="already exists"):
        await databases.upgrade("accounts")
    async with databases.engine("accounts").connect() as connection:
        tables = await connection.run_sync(lambda each: inspect(each).get_table_names())
    assert "users" in tables
    assert not {"schools", "changes"} & set(tables)


async def test_failed_start_reports_the_unusable_database(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").write_text("something else than a database, and longer than its header is")
    databases = Databases(database_urls(tmp_path))
    with pytest.raises(DatabaseError, match=r"“journal” cannot be used .* not a database"):
        await databases.prepare()
    await databases.dispose()


async def test_unreachable_database_is_reported_without_its_password(tmp_path: Path, free_port: int) -> None:
    url = f"postgresql://lousa:secret@127.0.0.1:{free_port}/lousa"
    databases = Databases(database_urls(tmp_path, [f"accounts={url}"]))
    with pytest.raises(DatabaseError, match=f"“accounts” cannot be used .*lousa:\\*\\*\\*@127.0.0.1:{free_port}"):
        await databases.prepare()
    await databases.dispose()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "is not a URL like"),
        ("mysql://host/name", "of the kind “mysql”"),
        ("sqlite://", "needs a file"),
        ("postgresql+psycopg://host/name", "of the kind"),
    ],
)
def test_unusable_database_url_is_refused(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message):
        Databases(database_urls(tmp_path, [f"journal={url}"]))
