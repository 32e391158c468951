"""Fixtures shared by all tests: real programs, started once or per test, and always stopped."""

import asyncio
import fcntl
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from server.databases import Databases
from server.settings import database_urls
from tests.lousa import DEMO_SCHOOL, Lousa
from tests.postgresql import PostgreSQL
from tests.preloaded import Preloaded
from tests.programs import free_port as find_free_port

# A statement takes milliseconds, also on a busy machine.
GIVEN_UP_SECONDS = 1.0


@pytest.fixture(scope="session", autouse=True)
def preloaded() -> Iterator[None]:
    """Fork servers and commands from one process, unless their coverage is measured: that begins with Python."""
    if any(name.startswith("COVERAGE_PROCESS") for name in os.environ):
        yield
        return
    with Preloaded() as preloaded:
        Lousa.preloaded = preloaded
        yield
        Lousa.preloaded = None


@pytest.fixture
def free_port() -> int:
    """Return a free loopback port."""
    return find_free_port()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Run one PostgreSQL for all tests that need one."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """Return the URL of a fresh, empty database in a real PostgreSQL."""
    url = postgresql.create_database()
    yield url
    postgresql.drop_databases(url)


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all SQLite files and their tables: copy it, do not use it."""
    folder = tmp_path_factory.mktemp("tables")
    asyncio.run(_upgrade(database_urls(folder)))
    return folder


@pytest.fixture(scope="session")
def postgresql_tables(postgresql: PostgreSQL) -> dict[str, str]:
    """Return the names of the databases with their tables: copy them, do not use them."""
    urls = {name: postgresql.create_database() for name in ("accounts", "journal", "audit")}
    asyncio.run(_upgrade(urls))
    return {name: url.rpartition("/")[2] for name, url in urls.items()}


async def _upgrade(urls: dict[str, str]) -> None:
    databases = Databases(urls)
    await databases.upgrade()
    await databases.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the URLs of empty databases: files of SQLite, or databases of a real PostgreSQL."""
    if request.param == "sqlite":
        yield database_urls(tmp_path)
        return
    server = request.getfixturevalue("postgresql")
    urls = {name: server.create_database() for name in ("accounts", "journal", "audit")}
    yield urls
    server.drop_databases(*urls.values())


@pytest.fixture(params=["sqlite", "postgresql"])
def made_urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the URLs of databases of either kind with empty tables."""
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("sqlite_tables"), tmp_path, dirs_exist_ok=True)
        yield database_urls(tmp_path)
        return
    tables, server = request.getfixturevalue("postgresql_tables"), request.getfixturevalue("postgresql")
    urls = {name: server.create_database(template) for name, template in tables.items()}
    yield urls
    server.drop_databases(*urls.values())


@pytest.fixture
async def databases(made_urls: dict[str, str]) -> AsyncIterator[Databases]:
    """Return all databases with empty tables."""
    databases = Databases(made_urls)
    yield databases
    await dispose(databases)


async def dispose(databases: Databases) -> None:
    """Close all connections, and wait for those of SQLite that were given up in the middle of a statement.

    Their threads still report to the loop of the test, which must not be closed then.
    """
    await databases.dispose()
    with suppress(TimeoutError):  # a thread may belong to other databases, which are still open
        async with asyncio.timeout(GIVEN_UP_SECONDS):
            while any("_connection_worker_thread" in thread.name for thread in threading.enumerate()):
                await asyncio.sleep(0.005)


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder made once for all parallel test processes: copy it, do not use it."""
    is_side_by_side = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp().parent if is_side_by_side else tmp_path_factory.getbasetemp()
    folder = base / name
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            make(unfinished / "data")
            unfinished.rename(folder)
    return folder / "data"


@pytest.fixture(scope="session")
def demo_school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with the demo school imported: copy it, do not use it."""

    def make(data_dir: Path) -> None:
        Lousa(data_dir).run("roster", "import", str(DEMO_SCHOOL))

    return made_once(tmp_path_factory, "demo-school", make)


@pytest.fixture
def make_lousa(demo_school: Path, tmp_path: Path) -> Iterator[Callable[..., Lousa]]:
    """Return a function that starts a server with the demo school; it takes the arguments of `Lousa`."""
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
