import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from server.checks.databases import check_databases, check_tables
from server.checks.finding import Finding
from server.databases import Databases
from server.settings import Settings, database_urls
from tests.pgbouncer import PgBouncer
from tests.postgresql import PostgreSQL


async def found(folder: Path, urls: Mapping[str, str], workers: int = 1, machines: int = 1) -> list[Finding]:
    """Return what is found of these databases."""
    settings = Settings(data_dir=folder, databases=urls, workers=workers)
    findings = [each async for each in check_databases(settings, machines)]
    return findings + [each async for each in check_tables(settings)]


def wrong(findings: list[Finding]) -> list[Finding]:
    """Return those that are to be mended."""
    return [each for each in findings if each.state != "ok"]


async def test_files_of_this_version_are_well(tmp_path: Path) -> None:
    databases = Databases(database_urls(tmp_path))
    await databases.upgrade()
    await databases.dispose()
    assert wrong(await found(tmp_path, database_urls(tmp_path))) == []


async def test_missing_files_stay_missing(tmp_path: Path) -> None:
    findings = await found(tmp_path, database_urls(tmp_path))
    assert [each.state for each in findings] == ["warning"] * 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("revision", "words"), [("9999", "a later version"), ("0001", "an earlier version")])
async def test_tables_of_another_version_are_named(revision: str, words: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.sqlite3") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    connection.close()
    assert any(words in each.text for each in await found(tmp_path, database_urls(tmp_path)))


async def test_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "audit.sqlite3").write_bytes(b"no database" * 1000)
    (problem,) = [each for each in await found(tmp_path, database_urls(tmp_path)) if each.state == "error"]
    assert "file is not a database" in problem.text
    assert problem.part == "database audit"


async def test_one_file_under_two_names_is_refused(tmp_path: Path) -> None:
    urls = database_urls(tmp_path, [f"audit=sqlite:///{tmp_path}/journal.sqlite3"])
    assert any("same database as journal" in each.text for each in await found(tmp_path, urls))


@pytest.fixture
def made(postgresql: PostgreSQL, postgresql_tables: dict[str, str]) -> Iterator[dict[str, str]]:
    """Return the URLs of databases of PostgreSQL with their tables; the server does not use fsync."""
    urls = {name: postgresql.create_database(template) for name, template in postgresql_tables.items()}
    yield urls
    postgresql.drop_databases(*urls.values())


@pytest.mark.postgresql
async def test_postgresql_is_judged(tmp_path: Path, made: dict[str, str]) -> None:
    findings = await found(tmp_path, made)
    assert ["a power cut damages it" in each.text for each in wrong(findings)] == [True] * 3
    assert any("take up to 32 connections for accounts, journal, audit" in each.text for each in findings)
    assert sum("Its tables are those of this version" in each.text for each in findings) == 3


@pytest.mark.postgresql
async def test_connections_of_all_machines_are_added_up(tmp_path: Path, made: dict[str, str]) -> None:
    (problem,) = [each for each in await found(tmp_path, made, workers=2, machines=30) if each.part == "connections"]
    assert problem.state == "error"
    assert "30 machine(s) with 2 worker(s) take up to 1890 connections" in problem.text
    assert "max_connections = 19" in problem.advice


@pytest.mark.postgresql
@pytest.mark.postgresql
async def test_pool_of_a_pooler_is_named(tmp_path: Path, made: dict[str, str], postgresql: PostgreSQL) -> None:
    with PgBouncer(postgresql, "session") as pooler:
        findings = await found(tmp_path, made | {"journal": pooler.url(made["journal"])}, workers=4)
    assert [each.part for each in findings if "must have 45 connections" in each.text] == ["database journal"]


async def test_one_postgresql_database_under_two_names_is_refused(tmp_path: Path, made: dict[str, str]) -> None:
    urls = {**made, "audit": made["journal"].replace("127.0.0.1", "localhost")}
    assert any("same database as journal" in each.text for each in await found(tmp_path, urls))


@pytest.mark.postgresql
async def test_postgresql_tells_what_is_missing(tmp_path: Path, postgresql: PostgreSQL, postgresql_url: str) -> None:
    urls = {
        "accounts": postgresql_url,
        "journal": f"{postgresql_url}-none",
        "audit": "postgresql://127.0.0.1:1/none",
    }
    texts = {each.part: each for each in wrong(await found(tmp_path, urls))}
    assert "no tables yet" in texts["database accounts"].text
    assert "createdb" in texts["database journal"].advice
    assert "listen_addresses" in texts["database audit"].advice
