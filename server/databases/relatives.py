"""Guardians and relatives of students, as the roster names them: kept for the office, without accounts."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.databases.accounts import Base


class KeptRelative(Base):
    """One relative of one student; `kind` is the roster's word (`guardian`). It is deleted with the student."""

    __tablename__ = "relatives"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sourced_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(16))


class RelativeOfStudent(NamedTuple):
    """A relative as the office sees them."""

    name: str
    kind: str


async def relatives_of(db: AsyncSession, user_id: int) -> Sequence[RelativeOfStudent]:
    """Return the relatives of a student, by name."""
    query = select(KeptRelative.name, KeptRelative.kind).where(KeptRelative.user_id == user_id)
    return [RelativeOfStudent(*row) for row in await db.execute(query.order_by(KeptRelative.name))]
