from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from server import views
from server.accounts.accounts import Accounts
from server.databases import Databases, reading, writing
from server.databases.migration import Schema
from server.schemas import SCHEMAS, gather
from server.settings import database_urls
from server.views.base import Page
from tests.server.views.visitor import Visitor

REVISION = """
import sqlalchemy
from alembic import op

revision, down_revision = "0001", None


def upgrade():
    op.create_table("grades", sqlalchemy.Column("grade", sqlalchemy.Integer))
"""

metadata = MetaData()
grades = Table("grades", metadata, Column("grade", Integer))


class Grades(Page):
    public = True

    async def get(self) -> None:
        async with reading(self.databases.sessions("grades")) as session:
            await self.finish({"grades": list(await session.scalars(select(grades.c.grade)))})


@pytest.fixture
def package(tmp_path: Path) -> ModuleType:
    """Return a package of views with its own database."""
    revisions = tmp_path / "migrations"
    revisions.mkdir()
    (revisions / "0001_grades.py").write_text(REVISION)
    package = ModuleType("grades")
    vars(package).update(handlers=[(r"/grades", Grades)], databases={"grades": Schema(metadata, revisions)})
    return package


@pytest.fixture
async def databases(package: ModuleType, tmp_path: Path) -> AsyncIterator[Databases]:
    schemas = gather([*views.PACKAGES, package])
    databases = Databases(database_urls(tmp_path, names=schemas), schemas)
    await databases.prepare()
    yield databases
    await databases.dispose()


async def test_package_of_views_has_its_own_database(databases: Databases, package: ModuleType, tmp_path: Path) -> None:
    assert databases.names == [*SCHEMAS, "grades"]
    assert (tmp_path / "grades.sqlite3").exists()
    async with writing(databases.sessions("grades")) as session:
        await session.execute(insert(grades).values(grade=10))
    accounts = Accounts(databases.sessions("accounts"))
    application = Application(
        views.handlers(accounts, packages=[*views.PACKAGES, package]), **views.application_settings(accounts, databases)
    )
    server, (socket, port) = HTTPServer(application), bind_unused_port()
    server.add_socket(socket)
    answer = await Visitor(f"http://127.0.0.1:{port}").get("/grades")
    server.stop()
    await server.close_all_connections()
    accounts.close()
    assert answer.text == '{"grades": [10]}'


def test_duplicate_database_name_is_refused(package: ModuleType) -> None:
    with pytest.raises(ValueError, match="grades declares a database whose name is taken: grades"):
        gather([package, package])
