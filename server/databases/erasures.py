"""The list of erasures: which persons were erased, and what became of their words.

It is in the `audit` database, which a restore does not roll back, so that it can be applied again to older accounts and
an older journal. It has no name: the id of an erased person is given to nobody else.
"""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import BigInteger, CursorResult, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.databases.audit import Base
from server.databases.upsert import insert_into


class Erasure(Base):
    """A person who was erased at a time (ms) by a user (NULL: a command); `way` is `keep`, `unlink` or `remove`.

    It takes some seconds: a process has begun it at `begun_at`, and it was done at `finished_at` (NULL: not yet).
    """

    __tablename__ = "erasures"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    way: Mapped[str] = mapped_column(String(8))
    at: Mapped[int] = mapped_column(BigInteger)
    by_id: Mapped[int | None] = mapped_column(BigInteger)
    begun_at: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    finished_at: Mapped[int | None] = mapped_column(BigInteger)


async def add_erasure(db: AsyncSession, user_id: int, way: str, at: int, by: int | None, *, begun: bool = True) -> None:
    """List a person as erased; a later erasure of the same person replaces the earlier one.

    `begun`: this process does it. Otherwise any worker begins within seconds.
    """
    begun_at = at if begun else 0
    values = {"user_id": user_id, "way": way, "at": at, "by_id": by, "begun_at": begun_at, "finished_at": None}
    added = insert_into(db, Erasure).values(values)
    await db.execute(added.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def find_erasure(db: AsyncSession, user_id: int) -> Erasure | None:
    """Return a person's erasure, if there is one."""
    return await db.scalar(select(Erasure).where(Erasure.user_id == user_id))


async def all_erasures(db: AsyncSession) -> Sequence[Erasure]:
    """Return the whole list, the oldest first."""
    return (await db.scalars(select(Erasure).order_by(Erasure.at, Erasure.user_id))).all()


async def unfinished(db: AsyncSession, begun_before: int) -> Sequence[Erasure]:
    """Return the erasures that no process has begun or finished since a time."""
    which = (Erasure.finished_at.is_(None), Erasure.begun_at < begun_before)
    return (await db.scalars(select(Erasure).where(*which).order_by(Erasure.at))).all()


async def begin_again(db: AsyncSession, erasure: Erasure, now: int) -> bool:
    """Claim an unfinished erasure for this process; return whether no other one was quicker."""
    which = (Erasure.user_id == erasure.user_id, Erasure.begun_at == erasure.begun_at, Erasure.finished_at.is_(None))
    claimed = update(Erasure).where(*which).values(begun_at=now)
    return (
        cast(CursorResult[Any], await db.execute(claimed, execution_options={"synchronize_session": False})).rowcount
        > 0
    )


async def finish(db: AsyncSession, user_id: int, now: int) -> None:
    """Note that an erasure is done."""
    done = update(Erasure).where(Erasure.user_id == user_id).values(finished_at=now)
    await db.execute(done, execution_options={"synchronize_session": False})
