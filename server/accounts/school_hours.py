"""The hours of the school's classes and its time zone, as the principal or an administrator sets them.

What is set reaches every worker within a second, as changed rights do.
"""

import msgspec

from channels.hours import MAX_SPANS, Hours, SchoolHours, Spans, is_zone
from server.accounts.refusals import UserError
from server.clock import Clock, now_ms
from server.databases import DbSessions, reading, writing
from server.databases.changes import note_changes
from server.databases.outbox import note_audited
from server.databases.school import read_hours, write_hours


async def get_hours(sessions: DbSessions) -> SchoolHours:
    """Return what is set."""
    async with reading(sessions) as db:
        return await read_hours(db)


async def set_hours(
    sessions: DbSessions,
    hours: Hours | None = None,
    zone: str | None = None,
    clock: Clock = now_ms,
    *,
    quiet: Spans | None = None,
    user_id: int | None = None,
) -> SchoolHours:
    """Set the hours, the time zone or the quiet hours (None: as before), and return what is set then.

    `user_id` is who does; None: a command.

    Raises UserError where the school has no time zone and the hours need one.
    """
    async with writing(sessions) as db:
        before = await read_hours(db)
        quiet = before.quiet if quiet is None else quiet
        wanted = SchoolHours(hours or before.hours, zone or before.zone, quiet)
        _check(wanted)
        if not await write_hours(db, wanted):
            raise UserError("There is no school yet: import its roster first.")
        detail = {"zone": wanted.zone, **msgspec.to_builtins({"hours": wanted.hours, "quiet": wanted.quiet})}
        await note_audited(db, clock(), "hours:set", user_id=user_id, **detail)
        await note_changes(db, (), clock(), school=True)
    return wanted


def _check(wanted: SchoolHours) -> None:
    problem = wanted.hours.problem()
    if problem is not None:
        raise UserError(f"These hours cannot be: {problem}.")
    if len(wanted.quiet) > MAX_SPANS or any(span.opens >= span.closes for span in wanted.quiet):
        raise UserError(f"These quiet hours cannot be: at most {MAX_SPANS} spans, each of which begins before it ends.")
    if not is_zone(wanted.zone):
        raise UserError(f"There is no time zone {wanted.zone!r}: it is written as in America/Sao_Paulo.")
