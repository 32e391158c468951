"""Lets enrolments begin and end at the school's midnight, without an import: a substitute's right ends by itself.

    each second: which day is it at the school? -> another one -> the enrolments that it turns -> changed rights

Every worker does so; the first one turns them, and the others find nothing to turn. The day is that of the school's
time zone, which may have no midnight when the clocks change. After each new reading of the school a worker looks for
enrolments to turn, also on the same day: the zone may have changed to another one and back between two checks. What a
server that was off has missed is turned at its start.
"""

import asyncio
from collections.abc import Collection

from channels.hours import SchoolHours
from channels.lesson.rules import Role
from channels.roles import ROLES
from server.accounts.accounts import Accounts
from server.clock import Clock, now_ms
from server.databases import DbSessions, reading, writing
from server.databases.changes import note_changes
from server.databases.enrolments import enrolments_to_turn, members_of, turn_enrolments, users_of_roles
from server.databases.school import school_day
from server.tasks import cancel, keep_checking

# A right that ends at midnight ends within this time, and the second that changed rights take.
CHECK_SECONDS = 1.0


class EnrolmentDays:
    """One worker's part of it."""

    def __init__(
        self, sessions: DbSessions, accounts: Accounts, roles: Collection[Role] = ROLES, now: Clock = now_ms
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._seeing_all = [role.name for role in roles if role.sees_all_classes]
        self._now = now
        self._day = ""
        self._hours: SchoolHours | None = None  # those by which it was that day
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look which day it is."""
        self._task = asyncio.create_task(
            keep_checking(self.check, CHECK_SECONDS, "enrolments did not begin or end with the day")
        )

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            await cancel(self._task)

    async def check(self) -> None:
        """Turn what another day turns; raises DatabaseUnavailable, and the next check tries again."""
        hours = self._accounts.hours
        day = school_day(hours, self._now()).isoformat()
        if day == self._day and hours is self._hours:
            return
        async with reading(self._sessions) as db:
            is_due = bool(await enrolments_to_turn(db, day))
        if is_due:
            await self._turn(day)
        self._day, self._hours = day, hours

    async def _turn(self, day: str) -> None:
        async with writing(self._sessions) as db:
            turned = await enrolments_to_turn(db, day)
            await turn_enrolments(db, [row.id for row in turned], day)
            members = await members_of(db, {row.class_id for row in turned})
            # A class is kept in memory with the number of its students.
            users = {row.user_id for row in turned} | members | await users_of_roles(db, self._seeing_all)
            await note_changes(db, users if turned else (), self._now(), school=bool(turned))
        self._accounts.changed.set()
