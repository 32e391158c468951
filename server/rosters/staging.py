r"""A roster in temporary tables of the database, so that SQL can compare it with what is there.

    stage -> identify -> resolve_enrolments -> compare: what differs
                 \-> create the new users and classes -> identify again -> resolve_enrolments

Filling them is most of an import's time and touches nothing that others use: on SQLite temporary tables stand in a
file of their own, and the writers of a running school wait only for the comparison that follows.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, SchoolClass
from server.databases.enrolments import holds
from server.rosters.roster import Roster

# Rows of one call of the driver. Staging 710,000 takes 2.9 s in batches of 500, 3.9 s in batches of 10,000.
BATCH = 1_000

_metadata = MetaData()


def _table(name: str, *columns: Column[Any], **options: Any) -> Table:
    return Table(name, _metadata, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP", **options)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False)


staged_users = _table(
    "roster_users",
    _number("number"),
    Column("user_id", BigInteger, index=True),
    Column("sourced_id", String, unique=True),
    Column("login", String, unique=True),
    Column("name", String),
    Column("role", String),
    Column("folded", String),
)
staged_classes = _table(
    "roster_classes",
    _number("number"),
    Column("class_id", BigInteger, index=True),
    Column("sourced_id", String, unique=True),
    Column("title", String),
    Column("grade", String),
)
staged_relatives = _table(
    "roster_relatives",
    Column("student", Integer, index=True),
    Column("sourced_id", String),
    Column("name", String),
    Column("kind", String),
)
# As the roster has them, by number …
_numbered = _table(
    "roster_numbered",
    Column("sourced_id", String),
    Column("user", Integer),
    Column("school_class", Integer),
    Column("role", String),
    Column("begins", String),
    Column("ends", String),
)
# … and by the ids of their users and classes. Those of new ones are negative until they are created.
staged_enrolments = _table(
    "roster_enrolments",
    _number("user_id"),
    _number("class_id"),
    Column("sourced_id", String, unique=True),
    Column("role", String),
    Column("begins", String),
    Column("ends", String),
    Column("active", Boolean),
    sqlite_with_rowid=False,
)
# What an import changes: the rows of the database that end, change, or have a unique value that another one needs
# (`frees`), by kind and id …
staged_changes = _table(
    "roster_changes",
    Column("number", Integer, primary_key=True),
    Column("kind", String),
    Column("row_id", BigInteger),
    Column("what", String),
    Column("frees", Boolean),
)
# … and the staged rows that are new, by kind and key.
staged_new = _table(
    "roster_new",
    Column("number", Integer, primary_key=True),
    Column("kind", String),
    Column("key", BigInteger),
    Column("class_id", BigInteger),
)


async def stage(db: AsyncSession, roster: Roster, tick: Callable[[int], None]) -> None:
    """Make the temporary tables and fill them; they end with the transaction, or by `unstage`."""
    connection = await db.connection()
    await connection.run_sync(_metadata.create_all, checkfirst=False)
    for table, records in (
        (staged_users, roster.users),
        (staged_classes, roster.classes),
        (_numbered, roster.enrolments),
    ):
        await _fill(db, table, records, tick)
        await analyze(db, table)
    await _fill(db, staged_relatives, roster.relatives, lambda _: None)  # a few, beside all others
    await analyze(db, staged_relatives)


async def _fill(db: AsyncSession, table: Table, records: Iterable[msgspec.Struct], tick: Callable[[int], None]) -> None:
    names = [column.name for column in table.columns if column.name not in ("user_id", "class_id")]
    for batch in _batches(records):
        await db.execute(insert(table), [{name: getattr(record, name) for name in names} for record in batch])
        tick(len(batch))


def _batches(records: Iterable[msgspec.Struct]) -> Iterator[list[msgspec.Struct]]:
    left = iter(records)
    while batch := list(islice(left, BATCH)):
        yield batch


async def identify_users(db: AsyncSession) -> None:
    """Give the staged users that have an account already its id."""
    found = select(Account.id).where(Account.sourced_id == staged_users.c.sourced_id).scalar_subquery()
    await db.execute(update(staged_users).where(staged_users.c.user_id.is_(None)).values(user_id=found))
    await analyze(db, staged_users)


async def identify_classes(db: AsyncSession) -> None:
    """Give the staged classes that are known already their ids."""
    found = select(SchoolClass.id).where(SchoolClass.sourced_id == staged_classes.c.sourced_id).scalar_subquery()
    await db.execute(update(staged_classes).where(staged_classes.c.class_id.is_(None)).values(class_id=found))
    await analyze(db, staged_classes)


async def resolve_enrolments(db: AsyncSession, today: date) -> None:
    """Stage the enrolments by the ids of their users and classes; a new one's is its number, made negative.

    An enrolment is active if the school's day is one of its days.
    """
    user_id = func.coalesce(staged_users.c.user_id, -1 - staged_users.c.number)
    class_id = func.coalesce(staged_classes.c.class_id, -1 - staged_classes.c.number)
    given = (_numbered.c.sourced_id, _numbered.c.role, _numbered.c.begins, _numbered.c.ends)
    found = (
        select(user_id, class_id, *given, holds(_numbered.c, today.isoformat()))
        .join_from(_numbered, staged_users, staged_users.c.number == _numbered.c.user)
        .join(staged_classes, staged_classes.c.number == _numbered.c.school_class)
    )
    columns = ["user_id", "class_id", "sourced_id", "role", "begins", "ends", "active"]
    await db.execute(insert(staged_enrolments).from_select(columns, found))
    await analyze(db, staged_enrolments)


async def identify_new_enrolments(db: AsyncSession, today: date) -> None:
    """Stage again the enrolments of users and classes that were new, by the ids that these have by now."""
    await db.execute(delete(staged_enrolments))
    await resolve_enrolments(db, today)
    new = staged_new.c
    user_id = select(staged_users.c.user_id).where(staged_users.c.number == -1 - new.key).scalar_subquery()
    class_id = select(staged_classes.c.class_id).where(staged_classes.c.number == -1 - new.class_id).scalar_subquery()
    for column, found in ((new.key, user_id), (new.class_id, class_id)):
        await db.execute(update(staged_new).where(new.kind == "enrolment", column < 0).values({column: found}))


async def analyze(db: AsyncSession, table: Any) -> None:
    """Refresh PostgreSQL's statistics of a table filled in this transaction; it would plan for an empty one."""
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(text(f"ANALYZE {table.name}"))


async def unstage(db: AsyncSession) -> None:
    """Drop the temporary tables, which on SQLite would stay with a connection that is used again."""
    if db.get_bind().dialect.name == "sqlite":
        connection = await db.connection()
        await connection.run_sync(_metadata.drop_all, checkfirst=False)
