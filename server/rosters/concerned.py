"""Finds whom an import concerns, so that the workers read only these again and not the whole school.

Concerned are users who change or end, everybody in a class that changes or whose people change (members see how many
students a class has), and users of the roles that see all classes, when any class changes. Above a number of users
(changes.EVERYBODY) looking further is pointless: everybody is read again.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.roles import ROLES
from server.databases.accounts import Account, Enrolment
from server.databases.batch import batches
from server.rosters.compare import CLASSES, ENROLMENTS, USERS, Kind, gone


class Concerned:
    """Gathers who is concerned; ask before each table is brought to the roster, for afterwards nothing differs."""

    def __init__(self, session: AsyncSession, most: int) -> None:
        self._session = session
        self._most = most
        self._users: set[int] = set()
        self._classes: set[int] = set()
        self._everybody = False

    async def add_users(self) -> None:
        """Add the users who are about to change."""
        for (user_id,) in await self._changing(USERS, [USERS.table.c.id]):
            self._users.add(user_id)

    async def add_classes(self) -> None:
        """Add the classes that are about to change."""
        for (class_id,) in await self._changing(CLASSES, [CLASSES.table.c.id]):
            self._classes.add(class_id)

    async def add_enrolments(self) -> None:
        """Add the people and the classes of the enrolments that are about to change or to be created."""
        columns = [ENROLMENTS.table.c.user_id, ENROLMENTS.table.c.class_id]
        staged = [ENROLMENTS.staged.c.user_id, ENROLMENTS.staged.c.class_id]
        created = select(*staged).where(~exists().where(ENROLMENTS.same))
        for user_id, class_id in [*await self._changing(ENROLMENTS, columns), *await self._some(created)]:
            self._users.add(user_id)
            self._classes.add(class_id)

    async def users(self, *, classes_changed: bool) -> set[int] | None:
        """Return all who are concerned, or None for everybody; call it when all tables are brought to the roster."""
        for some in batches(self._classes):
            query = select(Enrolment.user_id).where(Enrolment.class_id.in_(some), Enrolment.active)
            self._users.update(user_id for (user_id,) in await self._some(query.distinct()))
        if classes_changed:
            names = [role.name for role in ROLES if role.sees_all_classes]
            seeing = select(Account.id).where(Account.role.in_(names), Account.active)
            self._users.update(user_id for (user_id,) in await self._some(seeing))
        return None if self._everybody or len(self._users) > self._most else self._users

    async def _changing(self, kind: Kind, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
        ended = await self._some(select(*columns).where(gone(kind)))
        return [*ended, *await self._some(select(*columns).where(kind.same, kind.differs))]

    async def _some(self, query: Select[Any]) -> Sequence[Any]:
        if self._everybody:
            return ()
        rows: Sequence[Any] = (await self._session.execute(query.limit(self._most + 1))).all()
        self._everybody = len(rows) > self._most
        return rows
