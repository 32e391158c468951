"""Reads and writes what the school has set."""

from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import CursorResult, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from channels.hours import ALWAYS, NO_SCHOOL_HOURS, Hours, SchoolHours, Span
from server.databases.accounts import School
from server.databases.school_settings import SchoolSettings


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


async def read_name_and_settings(db: AsyncSession) -> tuple[str, SchoolSettings]:
    """Return the school's name as pages show it, empty where nobody has named it, and what the office has set."""
    row = (await db.execute(select(School.name, School.settings).order_by(School.id).limit(1))).first()
    if row is None:
        return "", SchoolSettings()
    settings = msgspec.json.decode(row.settings, type=SchoolSettings) if row.settings else SchoolSettings()
    return settings.name or row.name, settings


async def read_settings(db: AsyncSession) -> SchoolSettings:
    """Return what the office has set."""
    return (await read_name_and_settings(db))[1]


async def write_settings(db: AsyncSession, wanted: SchoolSettings) -> None:
    """Set them; a school without a row gets one, which the first roster fills."""
    values = {"settings": msgspec.json.encode(wanted).decode()}
    written = await db.execute(update(School).values(values))
    if not cast(CursorResult[Any], written).rowcount:
        await db.execute(insert(School).values(name="", **values))
