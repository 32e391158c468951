"""Finds the users whom an import concerns, so that the workers read only these again and not the whole school.

Concerned are users who change or end, everybody in a class that changes or whose people change (members see how many
students a class has), and users of the roles that see all classes, when any class changes. Above a number of users
(changes.EVERYBODY) the search stops: everybody is read again.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.roles import ROLES
from server.databases.accounts import Account, Enrolment
from server.databases.batch import batches
from server.rosters.compare import CLASSES, ENROLMENTS, USERS, Kind, Pending, gone


class Concerned:
    """Collects the users concerned.

    Call each `add_…` before its table is changed, since afterwards nothing differs. It returns which statements of
    `compare.bring` have rows to change; those that have none are skipped, which pays for this search.
    """

    def __init__(self, db: AsyncSession, most: int) -> None:
        self._db = db
        self._most = most
        self._users: set[int] = set()
        self._classes: set[int] = set()
        self._everybody = False

    async def add_users(self) -> Pending:
        """Add the users who are about to change."""
        ended, updated = await self._changing(USERS, [USERS.table.c.id])
        self._users.update(user_id for (user_id,) in (*ended, *updated))
        return self._pending(ended, updated)

    async def add_classes(self) -> Pending:
        """Add the classes that are about to change."""
        ended, updated = await self._changing(CLASSES, [CLASSES.table.c.id])
        self._classes.update(class_id for (class_id,) in (*ended, *updated))
        return self._pending(ended, updated)

    async def add_enrolments(self) -> Pending:
        """Add the people and the classes of the enrolments that are about to change or to be created."""
        columns = [ENROLMENTS.table.c.user_id, ENROLMENTS.table.c.class_id]
        ended, updated = await self._changing(ENROLMENTS, columns)
        staged = [ENROLMENTS.staged.c.user_id, ENROLMENTS.staged.c.class_id]
        created = await self._some(select(*staged).where(~exists().where(ENROLMENTS.same)))
        for user_id, class_id in (*ended, *updated, *created):
            self._users.add(user_id)
            self._classes.add(class_id)
        return self._pending(ended, updated, created)

    async def users(self, *, classes_changed: bool) -> set[int] | None:
        """Return all users concerned, or None for everybody; call it when all tables match the roster."""
        for some in batches(self._classes):
            query = select(Enrolment.user_id).where(Enrolment.class_id.in_(some), Enrolment.active)
            self._users.update(user_id for (user_id,) in await self._some(query.distinct()))
        if classes_changed:
            names = [role.name for role in ROLES if role.sees_all_classes]
            seeing = select(Account.id).where(Account.role.in_(names), Account.active)
            self._users.update(user_id for (user_id,) in await self._some(seeing))
        return None if self._everybody or len(self._users) > self._most else self._users

    async def _changing(self, kind: Kind, columns: Sequence[ColumnElement[Any]]) -> tuple[Sequence[Any], Sequence[Any]]:
        """Return these columns of the rows that end, and of those that are updated."""
        ended = await self._some(select(*columns).where(gone(kind)))
        return ended, await self._some(select(*columns).where(kind.same, kind.differs))

    def _pending(self, ended: Sequence[Any], updated: Sequence[Any], created: Sequence[Any] | None = None) -> Pending:
        # Past the limit nothing is searched, so that an empty result proves nothing.
        if self._everybody:
            return Pending()
        return Pending(bool(ended), bool(updated), created is None or bool(created))

    async def _some(self, query: Select[Any]) -> Sequence[Any]:
        if self._everybody:
            return ()
        rows: Sequence[Any] = (await self._db.execute(query.limit(self._most + 1))).all()
        self._everybody = len(rows) > self._most
        return rows
