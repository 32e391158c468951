"""A small school behind the real pages, on SQLite: what pages show does not depend on the kind of database."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from channels.journal.journal import Journal
from channels.journal.sqlite import SqliteWriter
from server import views
from server.accounts.accounts import Accounts
from server.accounts.users import Users
from server.databases import Databases, DbSessions, reading
from server.databases.accounts import SchoolClass
from server.databases.users import find_users
from server.rosters.pulling import Pulling
from server.rosters.uploads import Uploads
from server.settings import database_urls
from tests.channels.journal.support import Recorder
from tests.server.conftest import TurnedClock, quick_passwords
from tests.server.people import People
from tests.server.rosters.here import here
from tests.server.views.visitor import Visitor

PASSWORD = "quatro paredes verdes"
MATHEMATICS, HISTORY = "6º A · Matemática", "9º C · História"
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class School:
    """Where the pages are, and the ids of what is in it: a class with ana and paula, and one with neither."""

    url: str
    ana: int
    mathematics: int
    history: int


@pytest.fixture(scope="session")
def filled_tables(sqlite_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the school in its tables: copy it, do not use it."""
    folder = tmp_path_factory.mktemp("school") / "data"
    shutil.copytree(sqlite_tables, folder)
    asyncio.run(_fill(folder))
    return folder


async def _fill(folder: Path) -> None:
    databases = Databases(database_urls(folder))
    sessions = databases.sessions("accounts")
    people, passwords = People(sessions), quick_passwords()
    await people.school("Escola das Araucárias")
    for login, name, role in (
        ("ana", "Ana Ribeiro", "student"),
        ("paula", "Paula Nogueira", "teacher"),
        ("diretora", "Helena Prado", "principal"),
        ("secretaria", "Rosa Figueira", "administrator"),
    ):
        await Users(sessions, passwords, TurnedClock()).create(login, name, role, PASSWORD)
    async with reading(sessions) as session:
        found = await find_users(session, {"ana", "paula"})
    await people.classroom(MATHEMATICS, found["ana"].id, teacher=found["paula"].id)
    await people.classroom(HISTORY)
    passwords.close()
    await databases.dispose()


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Path:
    """Return the tables to begin with: empty ones, unless the test has the school."""
    name = "filled_tables" if "school" in request.fixturenames else "sqlite_tables"
    tables: Path = request.getfixturevalue(name)
    return tables


@pytest.fixture
async def databases(tables: Path, tmp_path: Path) -> AsyncIterator[Databases]:
    """Return all databases with their tables, and the school in them if the test has it."""
    shutil.copytree(tables, tmp_path, dirs_exist_ok=True)
    databases = Databases(database_urls(tmp_path))
    yield databases
    await databases.dispose()


@pytest.fixture
async def accounts(sessions: DbSessions, clock: TurnedClock) -> AsyncIterator[Accounts]:
    """Return the accounts of the school."""
    accounts = Accounts(sessions, clock, passwords=quick_passwords())
    yield accounts
    accounts.close()


@pytest.fixture
async def journal(databases: Databases) -> AsyncIterator[Journal]:
    """Return the journal that pages read; it has no engine."""
    engine = databases.engine("journal")
    journal = Journal(engine, SqliteWriter(engine.url.database or ""))
    await journal.open()
    journal.start(Recorder())
    yield journal
    await journal.close()


@pytest.fixture
def pulling() -> Pulling | None:
    """Return where the roster is pulled from: nowhere, unless a test says so."""
    return None


@pytest.fixture
async def uploads(databases: Databases, tmp_path: Path, pulling: Pulling | None) -> AsyncIterator[Uploads]:
    """Return the imports of rosters."""
    uploads = Uploads(databases, tmp_path / "rosters", pulling, here)
    yield uploads
    await uploads.close()


@pytest.fixture
async def url(accounts: Accounts, databases: Databases, journal: Journal, uploads: Uploads) -> AsyncIterator[str]:
    """Serve all pages; return where."""
    settings = views.application_settings(accounts, databases, journal=journal, uploads=uploads)
    application = Application(views.handlers(accounts), **settings)
    server = HTTPServer(application)
    socket, port = bind_unused_port()
    server.add_socket(socket)
    yield f"http://127.0.0.1:{port}"
    server.stop()
    await server.close_all_connections()


@pytest.fixture
async def school(url: str, sessions: DbSessions) -> School:
    """Return the school that is in the tables."""
    async with reading(sessions) as session:
        ana = (await find_users(session, {"ana"}))["ana"].id
        rows = await session.execute(select(SchoolClass.title, SchoolClass.id))
        classes = {row.title: row.id for row in rows}
    return School(url, ana, classes[MATHEMATICS], classes[HISTORY])


@pytest.fixture
def visitor(school: School) -> Visitor:
    """Return somebody who is not signed in."""
    return Visitor(school.url)


@pytest.fixture
def signed_in(accounts: Accounts, school: School) -> Callable[[str], Awaitable[Visitor]]:
    """Return a function that returns somebody who has signed in."""

    async def sign_in(login: str) -> Visitor:
        secret = await accounts.local.sign_in(login, PASSWORD, "127.0.0.1")
        return Visitor(school.url, cookies={"lousa_session": secret})

    return sign_in
