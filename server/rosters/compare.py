"""Makes one table match its staged twin, in at most four statements, the same for users, classes and enrolments.

Rows that are no longer staged end; a unique value that another row needs is freed; rows that differ are updated and
active again; new rows are created. Rows without a `sourced_id` were made by hand and do not belong to a roster, except
an enrolment that the roster has as well: it becomes the roster's.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import ColumnElement, CursorResult, Executable, Table, and_, exists, insert, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Enrolment, SchoolClass
from server.rosters.logins import FREED
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

    `unique` is a column that a roster sets and whose values are unique: a row whose value another row needs gets the
    value `freed` first.
    """

    table: Table
    staged: Table
    key: Sequence[str]
    columns: Sequence[str]
    unique: str | None = None
    freed: ColumnElement[Any] | None = None

    @property
    def same(self) -> ColumnElement[bool]:
        """The condition that a row and a staged row have the same key."""
        return and_(*(self.table.c[name] == self.staged.c[name] for name in self.key))

    @property
    def differs(self) -> ColumnElement[bool]:
        """The condition that a row differs from the staged row with its key."""
        changed = (self.table.c[name].is_distinct_from(self.staged.c[name]) for name in self.columns)
        return or_(~self.table.c.active, *changed)


_users, _classes, _enrolments = (cast(Table, each.__table__) for each in (Account, SchoolClass, Enrolment))

USERS = Kind(
    _users,
    staged_users,
    ["sourced_id"],
    ["login", "name", "role", "folded"],
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


class Pending(NamedTuple):
    """Which rows may have to end, be updated or be created: a statement that would change no row need not run."""

    ended: bool = True
    updated: bool = True
    created: bool = True


async def bring(db: AsyncSession, kind: Kind, pending: Pending) -> Counts:
    """Make the table of this kind match what is staged for it, and count the changes."""
    counts = Counts()
    if pending.ended:
        counts.ended = await _run(db, _end(kind))
    if kind.unique is not None and (pending.updated or pending.created):
        await _run(db, _free(kind, kind.unique))
    if pending.updated:
        counts.updated = await _run(db, _update(kind))
    if pending.created:
        counts.created = await _run(db, _create(kind))
    return counts


async def _run(db: AsyncSession, statement: Executable) -> int:
    done = await db.execute(statement, execution_options={"synchronize_session": False, "preserve_rowcount": True})
    return cast(CursorResult[Any], done).rowcount


def gone(kind: Kind) -> ColumnElement[bool]:
    """Return the condition of rows that are no longer staged, and so end."""
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
