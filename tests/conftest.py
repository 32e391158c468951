"""What all tests share: real programs, started once or for each test, and stopped whatever happens."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.databases import Databases
from server.settings import database_urls
from tests.lousa import DEMO_SCHOOL, Lousa
from tests.postgresql import PostgreSQL
from tests.programs import free_port as find_free_port


@pytest.fixture
def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    return find_free_port()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Run one PostgreSQL for all tests that need one."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> str:
    """Return the URL of a fresh, empty database in a real PostgreSQL."""
    return postgresql.create_database()


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both databases' files, their tables made: to be copied, not used."""
    folder = tmp_path_factory.mktemp("tables")
    asyncio.run(_upgrade(database_urls(folder)))
    return folder


@pytest.fixture(scope="session")
def postgresql_tables(postgresql: PostgreSQL) -> dict[str, str]:
    """Return the names of two databases with their tables: to be copied, not used."""
    urls = {name: postgresql.create_database() for name in ("accounts", "journal")}
    asyncio.run(_upgrade(urls))
    return {name: url.rpartition("/")[2] for name, url in urls.items()}


async def _upgrade(urls: dict[str, str]) -> None:
    databases = Databases(urls)
    await databases.upgrade()
    await databases.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return the URLs of empty databases: two files of SQLite, or two databases of a real PostgreSQL."""
    if request.param == "sqlite":
        return database_urls(tmp_path)
    server = request.getfixturevalue("postgresql")
    return {name: server.create_database() for name in ("accounts", "journal")}


@pytest.fixture(params=["sqlite", "postgresql"])
def made_urls(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return the URLs of databases of either kind with their tables and nothing in them."""
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("sqlite_tables"), tmp_path, dirs_exist_ok=True)
        return database_urls(tmp_path)
    tables, server = request.getfixturevalue("postgresql_tables"), request.getfixturevalue("postgresql")
    return {name: server.create_database(template) for name, template in tables.items()}


@pytest.fixture
async def databases(made_urls: dict[str, str]) -> AsyncIterator[Databases]:
    """Return both databases with their tables and nothing in them."""
    databases = Databases(made_urls)
    yield databases
    await databases.dispose()


@pytest.fixture(scope="session")
def demo_school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with the demo school imported: to be copied, not used."""
    data_dir = tmp_path_factory.mktemp("demo-school") / "data"
    Lousa(data_dir).run("roster", "import", str(DEMO_SCHOOL))
    return data_dir


@pytest.fixture
def make_lousa(demo_school: Path, tmp_path: Path) -> Iterator[Callable[..., Lousa]]:
    """Return a function that starts a server with the demo school; it takes what `Lousa` takes."""
    with ExitStack() as servers:

        def make(**options: object) -> Lousa:
            data_dir = tmp_path / f"data-{len(list(tmp_path.iterdir()))}"
            shutil.copytree(demo_school, data_dir)
            return servers.enter_context(Lousa(data_dir, **options))  # type: ignore[arg-type]

        yield make


@pytest.fixture
def lousa(make_lousa: Callable[..., Lousa]) -> Lousa:
    """Run a server with the demo school."""
    return make_lousa()
