"""Compares a table with its staged twin: the same for users, classes and enrolments.

Rows that are no longer staged end; rows that differ, or had ended, are updated; staged rows that the table does not
have are new. Rows without a `sourced_id` were made by hand and do not belong to a roster, except an enrolment that the
roster has as well: it becomes the roster's. `bring` makes the table match.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Table,
    and_,
    exists,
    false,
    func,
    null,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
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

    `kept` are the columns that an import may change, by their names in `ImportBefore`. `unique` is a column that a
    roster sets and whose values are unique: a row whose value another row needs gets the value `freed` first. `flag` is
    the column that says whether the roster has the row; only rows `within` a condition end.
    """

    name: str
    table: Table
    staged: Table
    key: Mapping[str, str]
    columns: Sequence[str]
    kept: Mapping[str, str]
    unique: str | None = None
    freed: ColumnElement[Any] | None = None
    flag: str = "active"
    within: ColumnElement[bool] | None = None

    @property
    def same(self) -> ColumnElement[bool]:
        """The condition that a row and a staged row are the same."""
        return and_(*(self.table.c[name] == self.staged.c[staged] for name, staged in self.key.items()))

    @property
    def differs(self) -> ColumnElement[bool]:
        """The condition that a row differs from the staged row that is the same."""
        changed = (self.table.c[name].is_distinct_from(self.staged.c[name]) for name in self.columns)
        return or_(~self.table.c[self.flag], *changed)

    @property
    def gone(self) -> ColumnElement[bool]:
        """The condition of rows that are no longer staged, and so end."""
        gone = self.table.c.sourced_id.is_not(None) & self.table.c[self.flag] & ~exists().where(self.same)
        return gone if self.within is None else gone & self.within

    @property
    def new(self) -> ColumnElement[bool]:
        """The condition of staged rows that the table does not have."""
        return ~exists().where(self.same)

    def in_the_way(self, unique: str) -> ColumnElement[bool]:
        """Return the condition of rows that have a unique value which another row needs."""
        other = func.coalesce(self.same, false()) == false()  # a staged row that is new has no id
        wanted = exists().where(self.table.c[unique] == self.staged.c[unique], other)
        return self.table.c.sourced_id.is_not(None) & wanted


_users, _classes, _enrolments = (cast(Table, each.__table__) for each in (Account, SchoolClass, Enrolment))

FREED_LOGIN = FREED + sql_cast(_users.c.id, String)

USERS = Kind(
    "user",
    _users,
    staged_users,
    {"id": "user_id"},
    ["sourced_id", "login", "name", "role", "folded"],
    {name: name for name in ("sourced_id", "login", "name", "role", "folded", "active")},
    unique="login",
    freed=FREED_LOGIN,
)
CLASSES = Kind(
    "class",
    _classes,
    staged_classes,
    {"id": "class_id"},
    ["sourced_id", "title", "grade"],
    {"sourced_id": "sourced_id", "name": "title", "grade": "grade", "active": "active"},
)
ENROLMENTS = Kind(
    "enrolment",
    _enrolments,
    staged_enrolments,
    {"user_id": "user_id", "class_id": "class_id"},
    ["sourced_id", "role", "begins", "ends", "active"],
    {name: name for name in ("sourced_id", "role", "begins", "ends", "active", "listed")},
    unique="sourced_id",
    freed=null(),
    flag="listed",
    # Who was in a class when it ended stays in it, and can read it.
    within=exists().where(staged_classes.c.class_id == _enrolments.c.class_id),
)


async def count(db: AsyncSession, kind: Kind) -> Counts:
    """Count what an import would change."""
    ended = await _number(db, select(kind.table).where(kind.gone))
    updated = await _number(db, select(kind.table).where(kind.same, kind.differs))
    return Counts(await _number(db, select(kind.staged).where(kind.new)), updated, ended)


async def _number(db: AsyncSession, rows: Select[Any]) -> int:
    return await db.scalar(rows.with_only_columns(func.count(), maintain_column_froms=True)) or 0
