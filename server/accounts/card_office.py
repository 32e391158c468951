"""The one-time codes of classes, for pages that print them as cards."""

from channels.member import RoleName
from server.accounts.passwords import Passwords
from server.accounts.users import Code, Users
from server.clock import Clock
from server.databases import DbSessions, reading
from server.databases.users import count_without_password, without_password


class CardOffice:
    """Who has no password yet, and codes for them. Every coroutine may raise DatabaseUnavailable."""

    def __init__(self, sessions: DbSessions, passwords: Passwords, clock: Clock) -> None:
        self._sessions = sessions
        self._users = Users(sessions, passwords, clock)

    async def waiting(self) -> dict[int, int]:
        """Return how many have no password yet in each class that has some."""
        async with reading(self._sessions) as db:
            return await count_without_password(db)

    async def waiting_in(self, class_id: int, role: RoleName | None) -> list[str]:
        """Return the names of those of a class who have no password yet; with a role, of that role."""
        async with reading(self._sessions) as db:
            found = await without_password(db, [class_id])
        return sorted(row.name for row in found if role in (None, row.role))

    async def make(self, class_id: int, title: str, role: RoleName | None, by: int) -> list[Code]:
        """Make a code for each of them; `by` is the user who does. Their earlier unused codes become invalid."""
        return await self._users.make_codes_of(class_id, title, role, by)
