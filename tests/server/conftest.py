"""What the server's tests share: fresh databases of both kinds, and a clock that only moves when told to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.databases import Databases, Sessions
from server.settings import database_urls


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return the URLs of empty databases: two files of SQLite, or two databases of a real PostgreSQL."""
    if request.param == "sqlite":
        return database_urls(tmp_path)
    server = request.getfixturevalue("postgresql")
    return {name: server.create_database() for name in ("accounts", "journal")}


@pytest.fixture
async def databases(urls: dict[str, str]) -> AsyncIterator[Databases]:
    """Return both databases with their tables."""
    databases = Databases(urls)
    await databases.upgrade()
    yield databases
    await databases.dispose()


@pytest.fixture
def sessions(databases: Databases) -> Sessions:
    """Return the sessions of the `accounts` database."""
    return databases.sessions("accounts")


class TurnedClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        """Return the time, ms since 1970."""
        return self.now

    def turn(self, ms: int) -> None:
        """Let so much time pass."""
        self.now += ms


@pytest.fixture
def clock() -> TurnedClock:
    """Return a clock that tests turn."""
    return TurnedClock()
