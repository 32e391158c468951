"""A fixed query gives what SQLAlchemy's execution gives: rows with names, values of their types, its errors."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    create_engine,
    select,
)
from sqlalchemy import Engine as Database
from sqlalchemy.exc import OperationalError

from channels.journal.fixed_query import FixedQuery

PUPILS = Table(
    "pupils",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("here", Boolean),
    Column("key", LargeBinary),
)
ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "Ana", "here": True, "key": b"a"},
    {"id": 2, "name": "Bruno", "here": False, "key": b"b"},
    {"id": 3, "name": "Carla", "here": None, "key": None},
]


@pytest.fixture
def file() -> Iterator[Database]:
    made = create_engine("sqlite://")
    PUPILS.metadata.create_all(made)
    with made.begin() as connection:
        connection.execute(PUPILS.insert(), ROWS)
    yield made
    made.dispose()


def named(*names: str) -> Select[Any]:
    listed = PUPILS.c.name.in_(bindparam("names", expanding=True))
    return select(*(PUPILS.c[name] for name in names or PUPILS.c.keys())).where(listed).order_by(PUPILS.c.id)


def rows(file: Database, query: Select[Any], **values: Any) -> list[Any]:
    return list(FixedQuery(query, file.dialect).rows(file.raw_connection, values))


def test_rows_are_those_of_sqlalchemy(file: Database) -> None:
    with file.connect() as connection:
        expected = connection.execute(named(), {"names": ["Ana", "Bruno", "Carla"]}).all()
    assert rows(file, named(), names=["Ana", "Bruno", "Carla"]) == expected


def test_values_have_the_types_of_their_columns(file: Database) -> None:
    assert [row.here for row in rows(file, named(), names=["Ana", "Bruno", "Carla"])] == [True, False, None]
    assert isinstance(rows(file, named(), names=["Ana"])[0].here, bool)


@pytest.mark.parametrize("names", [[], ["Ana"], ["Ana", "Carla"]])
def test_list_has_any_length(file: Database, names: list[str]) -> None:
    query = FixedQuery(named("name"), file.dialect)
    for _ in range(2):
        assert [row.name for row in query.rows(file.raw_connection, {"names": names})] == names


def test_bytes_find_their_row(file: Database) -> None:
    query = select(PUPILS.c.name).where(PUPILS.c.key.in_(bindparam("keys", expanding=True)))
    assert rows(file, query, keys=[b"b"]) == [("Bruno",)]


def test_columns_of_one_name_stand_in_their_order(file: Database) -> None:
    other = PUPILS.alias()
    query = select(PUPILS.c.name, other.c.name).where(PUPILS.c.id == bindparam("a"), other.c.id == bindparam("b"))
    assert rows(file, query, a=1, b=2) == [("Ana", "Bruno")]


def test_error_is_that_of_sqlalchemy(file: Database) -> None:
    query = FixedQuery(named(), file.dialect)
    PUPILS.drop(file)
    with pytest.raises(OperationalError, match="no such table"):
        query.rows(file.raw_connection, {"names": ["Ana"]})


@pytest.mark.parametrize("fails", ["connecting", "executing"])
def test_connection_is_given_back_after_an_error(file: Database, fails: str) -> None:
    def connect() -> Any:
        if fails == "connecting":
            raise sqlite3.OperationalError("unable to open database file")
        return file.raw_connection()

    if fails == "executing":
        PUPILS.drop(file)
    attempt: Callable[[], Any] = lambda: FixedQuery(named(), file.dialect).rows(connect, {"names": []})  # noqa: E731
    for _ in range(3):
        with pytest.raises(OperationalError):
            attempt()
