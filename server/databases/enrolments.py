"""Enrolments that begin and end on a day: they become active, or cease to be, when it is another day at the school."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Enrolment, SchoolClass
from server.databases.batch import batches
from server.databases.imports import Coming

_MAX_ID = 2**63 - 1


def holds(columns: Any, day: str) -> ColumnElement[bool]:
    """Return the condition that a day (as ISO date) is within `begins` and `ends` of these columns."""
    return and_(
        or_(columns.begins.is_(None), columns.begins <= day),
        or_(columns.ends.is_(None), columns.ends >= day),
    )


def enrolled() -> ColumnElement[bool]:
    """Return the condition that an enrolment gives its rights: it is active, and no import has yet to show it."""
    shown = Enrolment.id <= func.coalesce(_first_coming(Coming.enrolments), _MAX_ID)
    return and_(Enrolment.active, or_(shown, Enrolment.sourced_id.is_(None)))


def coming_user() -> ColumnElement[bool]:
    """Return the condition that an import has created a user and has yet to show them."""
    above = Account.id > func.coalesce(_first_coming(Coming.users), _MAX_ID)
    return and_(above, Account.sourced_id.is_not(None), ~Account.active)


def _first_coming(column: Any) -> Any:
    return select(func.min(column)).scalar_subquery()


async def enrolments_to_turn(db: AsyncSession, day: str) -> Sequence[Row[int, int, int]]:
    """Return (id, user id, class id) of the enrolments that begin to hold, or cease to, by this day."""
    query = select(Enrolment.id, Enrolment.user_id, Enrolment.class_id)
    dated = or_(Enrolment.begins.is_not(None), Enrolment.ends.is_not(None))
    turned = (Enrolment.listed, dated, Enrolment.active != holds(Enrolment, day), in_class_that_goes_on())
    return (await db.execute(query.where(*turned))).all()


def in_class_that_goes_on() -> ColumnElement[bool]:
    """Return the condition that an enrolment's class has not ended: who is in one then stays in it, and can read it."""
    return exists().where(SchoolClass.id == Enrolment.class_id, SchoolClass.active)


async def turn_enrolments(db: AsyncSession, ids: Collection[int], day: str) -> None:
    """Make these enrolments active if they hold on this day, and inactive if not."""
    for some in batches(ids):
        turned = update(Enrolment).where(Enrolment.id.in_(some), Enrolment.listed)
        await db.execute(turned.values(active=holds(Enrolment, day)), execution_options={"synchronize_session": False})


async def members_of(db: AsyncSession, class_ids: Collection[int]) -> set[int]:
    """Return the ids of everybody enrolled in these classes."""
    query = select(Enrolment.user_id).where(enrolled())
    return {
        user_id
        for some in batches(class_ids)
        for user_id in await db.scalars(query.where(Enrolment.class_id.in_(some)).distinct())
    }


async def users_of_roles(db: AsyncSession, names: Collection[str]) -> set[int]:
    """Return the ids of the users of these roles."""
    return set(await db.scalars(select(Account.id).where(Account.role.in_(names), Account.active)))
