"""Reads and writes what the school has set."""

from typing import Any, cast

import msgspec
from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from channels.hours import ALWAYS, NO_SCHOOL_HOURS, Hours, SchoolHours
from server.databases.accounts import School


async def read_hours(db: AsyncSession) -> SchoolHours:
    """Return the hours of the classes and the time zone."""
    row = (await db.execute(select(School.hours, School.zone).order_by(School.id).limit(1))).first()
    if row is None:
        return NO_SCHOOL_HOURS
    hours = msgspec.json.decode(row.hours, type=Hours) if row.hours else ALWAYS
    return SchoolHours(hours, row.zone or NO_SCHOOL_HOURS.zone)


async def write_hours(db: AsyncSession, wanted: SchoolHours) -> bool:
    """Set them; return whether there is a school."""
    values = {"hours": msgspec.json.encode(wanted.hours).decode(), "zone": wanted.zone}
    written = await db.execute(update(School).values(values))
    return cast(CursorResult[Any], written).rowcount > 0
