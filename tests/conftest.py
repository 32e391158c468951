"""What all tests share: real programs, started once or for each test, and stopped whatever happens."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

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
    server = PostgreSQL()
    try:
        server.start()
        yield server
        server.stop()
    finally:
        server.remove()


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> str:
    """Return the URL of a fresh, empty database in a real PostgreSQL."""
    return postgresql.create_database()


@pytest.fixture(scope="session")
def demo_school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory with the demo school imported: to be copied, not used."""
    data_dir = tmp_path_factory.mktemp("demo-school") / "data"
    data_dir.mkdir()
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
