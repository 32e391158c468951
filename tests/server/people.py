"""Adds people and classes to an `accounts` database as an import would, in one line each."""

from server.databases import DbSessions, writing
from server.databases.accounts import Account, Enrolment, School, SchoolClass


class People:
    """Adds rows, and returns their ids."""

    def __init__(self, sessions: DbSessions) -> None:
        self._sessions = sessions

    async def school(self, name: str) -> None:
        """Name the school."""
        await self._add(School(sourced_id="school", name=name))

    async def user(self, login: str, role: str = "student", name: str = "") -> int:
        """Add a user; the default name is the capitalised login."""
        return await self._add(Account(sourced_id=login, login=login, name=name or login.title(), role=role))

    async def classroom(self, title: str, *user_ids: int, teacher: int | None = None, active: bool = True) -> int:
        """Add a class with its students and teacher."""
        class_id = await self._add(SchoolClass(sourced_id=title, title=title, active=active))
        for user_id in user_ids:
            await self._add(Enrolment(user_id=user_id, class_id=class_id, role="student"))
        if teacher is not None:
            await self._add(Enrolment(user_id=teacher, class_id=class_id, role="teacher"))
        return class_id

    async def enrol(self, user_id: int, class_id: int, role: str) -> None:
        """Enrol a user in a class."""
        await self._add(Enrolment(user_id=user_id, class_id=class_id, role=role))

    async def _add(self, row: Account | Enrolment | School | SchoolClass) -> int:
        async with writing(self._sessions) as session:
            session.add(row)
            await session.flush()
            return row.id
