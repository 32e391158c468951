"""The files of the databases are looked after while a server runs."""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from server.databases import Databases, reading, writing
from server.databases.data_files import NO_FILES, PROBE_BYTES, DataFiles, try_disk
from server.databases.errors import DatabaseReadOnly, DatabaseUnavailable
from tests.conftest import dispose
from tests.postgresql import PostgreSQL


@pytest.fixture
def urls(sqlite_tables: Path, tmp_path: Path) -> dict[str, str]:
    """Return the addresses of databases that are files."""
    shutil.copytree(sqlite_tables, tmp_path / "data")
    return {each.stem: f"sqlite:///{each}" for each in (tmp_path / "data").glob("*.sqlite3")}


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PROBE_BYTES // 2, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_deleted_database_is_neither_written_nor_opened(urls: dict[str, str], tmp_path: Path) -> None:
    databases = Databases(urls, files=DataFiles.now(urls))
    async with writing(databases.sessions("accounts")) as db:
        await db.execute(text("DELETE FROM failures"))
    (tmp_path / "data").rename(tmp_path / "aside")
    with pytest.raises(DatabaseUnavailable, match="was deleted or moved"):
        async with writing(databases.sessions("accounts")) as db:
            await db.execute(text("DELETE FROM failures"))
    with pytest.raises(DatabaseUnavailable, match="was deleted or moved"):
        async with reading(databases.sessions("audit")) as db:
            await db.execute(text("SELECT 1"))
    assert not (tmp_path / "data").exists()
    await dispose(databases)


async def test_what_is_wrong_is_told_for_each_database(urls: dict[str, str], tmp_path: Path) -> None:
    files = DataFiles.now(urls)
    assert files.wrong() == {}
    (tmp_path / "data" / "audit.sqlite3").unlink()
    assert list(files.wrong()) == ["audit"]
    assert NO_FILES.wrong() == {}


async def test_full_disk_makes_a_database_read_only(urls: dict[str, str]) -> None:
    databases = Databases(urls, files=DataFiles.now(urls))
    await databases.check_writable("journal")
    with full_disk(), pytest.raises(DatabaseReadOnly, match="journal"):
        await databases.check_writable("journal")
    await databases.check_writable("journal")
    await dispose(databases)


def test_look_at_the_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    file.touch()
    try_disk(str(file))
    assert list(tmp_path.iterdir()) == [file]


async def test_postgresql_that_takes_no_writes_is_read_only(urls: dict[str, str], postgresql: PostgreSQL) -> None:
    url = postgresql.create_database()
    databases = Databases({**urls, "journal": url})
    await databases.check_writable("journal")
    async with databases.engine("journal").connect() as connection:
        name = (await connection.execute(text("SELECT current_database()"))).scalar_one()
        await connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        await connection.commit()
    await databases.engine("journal").dispose()
    with pytest.raises(DatabaseReadOnly, match="read-only"):
        await databases.check_writable("journal")
    await dispose(databases)
