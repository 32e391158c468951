"""The list of erasures: which persons were erased, and what became of their words.

It is in the `audit` database, which a restore does not roll back, so that it can be applied again to older accounts and
an older journal. It has no name: the id of an erased person is given to nobody else.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from server.databases.audit import Base
from server.databases.upsert import insert_into


class Erasure(Base):
    """A person who was erased at a time (ms) by a user (NULL: a command); `way` is `keep`, `unlink` or `remove`."""

    __tablename__ = "erasures"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    way: Mapped[str] = mapped_column(String(8))
    at: Mapped[int] = mapped_column(BigInteger)
    by_id: Mapped[int | None] = mapped_column(BigInteger)


async def add_erasure(db: AsyncSession, user_id: int, way: str, at: int, by: int | None) -> None:
    """List a person as erased; a later erasure of the same person replaces the earlier one."""
    values = {"user_id": user_id, "way": way, "at": at, "by_id": by}
    added = insert_into(db, Erasure).values(values)
    await db.execute(added.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def all_erasures(db: AsyncSession) -> Sequence[Erasure]:
    """Return the whole list, the oldest first."""
    return (await db.scalars(select(Erasure).order_by(Erasure.at, Erasure.user_id))).all()
