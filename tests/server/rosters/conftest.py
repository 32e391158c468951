"""Fixtures of the roster tests: exports read from a folder, and a database of either kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from server import rosters
from server.databases import Databases, DbSessions
from server.settings import database_urls
from tests.server.rosters.exports import TODAY, Folder, Read, Refuse, problems_of, write


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a function that writes an export into a new folder."""
    return lambda files: write(tmp_path / f"export-{len(list(tmp_path.glob('export-*')))}", files)


@pytest.fixture
def read(folder: Folder) -> Read:
    """Return a function that reads an export."""
    return lambda files: rosters.read(folder(files), today=TODAY)


@pytest.fixture
def refuse(folder: Folder) -> Refuse:
    """Return a function that reads an invalid export and returns its problems."""
    return lambda files: problems_of(folder(files))


@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def databases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Databases]:
    """Return fresh databases: `accounts` of each kind, with all its tables."""
    urls = database_urls(tmp_path)
    if request.param == "postgresql":
        urls["accounts"] = request.getfixturevalue("postgresql_url")
    databases = Databases(urls)
    await databases.upgrade("accounts")
    yield databases
    await databases.dispose()


@pytest.fixture
def sessions(databases: Databases) -> DbSessions:
    """Return the sessions of the `accounts` database."""
    return databases.sessions("accounts")
