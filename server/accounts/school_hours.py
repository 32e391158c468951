"""The hours of the school's classes and its time zone, as the principal or an administrator sets them.

What is set reaches every worker within a second, as changed rights do.
"""

from channels.hours import Hours, SchoolHours, is_zone
from server.accounts.refusals import UserError
from server.clock import Clock, now_ms
from server.databases import DbSessions, reading, writing
from server.databases.changes import note_changes
from server.databases.school import read_hours, write_hours


async def get_hours(sessions: DbSessions) -> SchoolHours:
    """Return what is set."""
    async with reading(sessions) as db:
        return await read_hours(db)


async def set_hours(
    sessions: DbSessions, hours: Hours | None = None, zone: str | None = None, clock: Clock = now_ms
) -> SchoolHours:
    """Set the hours, the time zone or both, and return what is set then.

    Raises UserError where the school has no time zone and the hours need one.
    """
    async with writing(sessions) as db:
        before = await read_hours(db)
        wanted = SchoolHours(hours or before.hours, zone or before.zone)
        _check(wanted)
        if not await write_hours(db, wanted):
            raise UserError("There is no school yet: import its roster first.")
        await note_changes(db, (), clock(), school=True)
    return wanted


def _check(wanted: SchoolHours) -> None:
    problem = wanted.hours.problem()
    if problem is not None:
        raise UserError(f"These hours cannot be: {problem}.")
    if not is_zone(wanted.zone):
        raise UserError(f"There is no time zone {wanted.zone!r}: it is written as in America/Sao_Paulo.")
