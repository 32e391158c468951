"""Brings one table to what is staged for it, in four statements, the same for users, classes and enrolments.

What is staged no more ends; a name that must be unique and is wanted by another row is freed; what differs is updated,
and active again; what is new is created. Rows without a `sourced_id` were made by hand and are none of a roster's,
but for an enrolment that the roster has as well: that becomes the roster's.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import ColumnElement, CursorResult, Executable, Table, and_, exists, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Enrolment, SchoolClass
from server.rosters.people import FREED
from server.rosters.staging import staged_classes, staged_enrolments, staged_users


class Counts(msgspec.Struct):
    """How many of a kind were created, updated (those that are active again among them) and ended."""

    created: int = 0
    updated: int = 0
    ended: int = 0

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.ended)


class Kind(NamedTuple):
    """A table with its staged twin: the columns that say which rows are the same, and those that a roster sets.

    Of `unique`, a column that a roster sets, no value may be there twice; a row whose value another one is to have is
    given `freed` first.
    """

    table: Table
    staged: Table
    key: Sequence[str]
    columns: Sequence[str]
    unique: str | None = None
    freed: ColumnElement[Any] | None = None

    @property
    def same(self) -> ColumnElement[bool]:
        """That a row and a staged one are the same."""
        return and_(*(self.table.c[name] == self.staged.c[name] for name in self.key))

    @property
    def differs(self) -> ColumnElement[bool]:
        """That a row has to change to be as the staged one."""
        changed = (self.table.c[name].is_distinct_from(self.staged.c[name]) for name in self.columns)
        return or_(~self.table.c.active, *changed)


_users, _classes, _enrolments = (cast(Table, each.__table__) for each in (Account, SchoolClass, Enrolment))

USERS = Kind(
    _users,
    staged_users,
    ["sourced_id"],
    ["login", "name", "role"],
    unique="login",
    freed=FREED + _users.c.id.cast(_users.c.login.type),
)
CLASSES = Kind(_classes, staged_classes, ["sourced_id"], ["title", "grade"])
ENROLMENTS = Kind(
    _enrolments,
    staged_enrolments,
    ["user_id", "class_id"],
    ["sourced_id", "role"],
    unique="sourced_id",
    freed=null(),
)


async def bring(session: AsyncSession, kind: Kind) -> Counts:
    """Bring the table of this kind to what is staged for it, and count."""
    ended = await _run(session, _end(kind))
    if kind.unique is not None:
        await _run(session, _free(kind, kind.unique))
    updated = await _run(session, _update(kind))
    created = await _run(session, _create(kind))
    return Counts(created, updated, ended)


async def _run(session: AsyncSession, statement: Executable) -> int:
    done = await session.execute(statement, execution_options={"synchronize_session": False, "preserve_rowcount": True})
    return cast(CursorResult[Any], done).rowcount


def gone(kind: Kind) -> ColumnElement[bool]:
    """Return which rows are staged no more, and end."""
    return kind.table.c.sourced_id.is_not(None) & kind.table.c.active & ~exists().where(kind.same)


def _end(kind: Kind) -> Executable:
    return update(kind.table).where(gone(kind)).values(active=False)


def _free(kind: Kind, column: str) -> Executable:
    wanted = exists().where(kind.table.c[column] == kind.staged.c[column], ~kind.same)
    return update(kind.table).where(kind.table.c.sourced_id.is_not(None), wanted).values({column: kind.freed})


def _update(kind: Kind) -> Executable:
    values = {name: kind.staged.c[name] for name in kind.columns}
    return update(kind.table).where(kind.same, kind.differs).values(**values, active=True)


def _create(kind: Kind) -> Executable:
    columns = [*dict.fromkeys([*kind.key, *kind.columns])]
    new = select(*(kind.staged.c[name] for name in columns)).where(~exists().where(kind.same))
    # In the roster's order, so that ids are the same wherever the same roster is imported.
    return insert(kind.table).from_select(columns, new.order_by(*kind.staged.primary_key))
