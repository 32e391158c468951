"""Reads and writes what the school has set."""

from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from channels.hours import ALWAYS, NO_SCHOOL_HOURS, Hours, SchoolHours, Span
from server.databases.accounts import School


async def read_hours(db: AsyncSession) -> SchoolHours:
    """Return the hours of the classes, the time zone and the quiet hours."""
    query = select(School.hours, School.zone, School.quiet).order_by(School.id).limit(1)
    row = (await db.execute(query)).first()
    if row is None:
        return NO_SCHOOL_HOURS
    hours = msgspec.json.decode(row.hours, type=Hours) if row.hours else ALWAYS
    quiet = msgspec.json.decode(row.quiet, type=tuple[Span, ...]) if row.quiet else ()
    return SchoolHours(hours, row.zone or NO_SCHOOL_HOURS.zone, quiet)


def school_day(hours: SchoolHours, now: int) -> date:
    """Return which day it is at the school at a time."""
    return datetime.fromtimestamp(now / 1000, ZoneInfo(hours.zone)).date()


async def write_hours(db: AsyncSession, wanted: SchoolHours) -> bool:
    """Set them; return whether there is a school."""
    hours, quiet = (msgspec.json.encode(each).decode() for each in (wanted.hours, wanted.quiet))
    values = {"hours": hours, "zone": wanted.zone, "quiet": quiet}
    written = await db.execute(update(School).values(values))
    return cast(CursorResult[Any], written).rowcount > 0
