"""Legal holds: persons and classes of whom nothing may be erased or expire, until the hold is lifted.

They are in the `audit` database, which a restore does not roll back. Why a hold was set is kept as long as it holds.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import BigInteger, CursorResult, Text, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.databases.accounts import Id
from server.databases.audit import Base


class Hold(Base):
    """A hold on a person or on a class, set at a time (ms) by a user (NULL: a command)."""

    __tablename__ = "holds"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    class_id: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[int] = mapped_column(BigInteger)
    by_id: Mapped[int | None] = mapped_column(BigInteger)


class Held(NamedTuple):
    """The ids of the persons and of the classes that are held."""

    users: frozenset[int]
    classes: frozenset[int]


async def all_holds(db: AsyncSession) -> Sequence[Hold]:
    """Return the holds, the oldest first."""
    return (await db.scalars(select(Hold).order_by(Hold.id))).all()


async def held(db: AsyncSession) -> Held:
    """Return who and what is held."""
    rows = await all_holds(db)
    users = frozenset(row.user_id for row in rows if row.user_id is not None)
    return Held(users, frozenset(row.class_id for row in rows if row.class_id is not None))


async def holds_on(db: AsyncSession, user_id: int, class_ids: Collection[int]) -> Sequence[Hold]:
    """Return the holds on a person and on these classes."""
    which = or_(Hold.user_id == user_id, Hold.class_id.in_(class_ids))
    return (await db.scalars(select(Hold).where(which).order_by(Hold.id))).all()


async def add_hold(
    db: AsyncSession, user_id: int | None, class_id: int | None, reason: str, at: int, by: int | None
) -> int:
    """Set a hold; return its id."""
    made = Hold(user_id=user_id, class_id=class_id, reason=reason, at=at, by_id=by)
    db.add(made)
    await db.flush()
    return made.id


async def lift_hold(db: AsyncSession, hold_id: int) -> Hold | None:
    """Delete a hold, and return it; None where there is none."""
    hold = await db.scalar(select(Hold).where(Hold.id == hold_id))
    if hold is not None:
        deleted = cast(CursorResult[Any], await db.execute(delete(Hold).where(Hold.id == hold_id)))
        return hold if deleted.rowcount else None
    return None
