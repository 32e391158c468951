"""Counts of failed sign-ins, kept where every worker and every restart finds them."""

from typing import NamedTuple

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Failure


class Count(NamedTuple):
    """How many there are under a key, and when counting starts anew."""

    failures: int
    until: int


async def failure_counts(db: AsyncSession, keys: list[str], now: int) -> dict[str, Count]:
    """Return the counts that are still running, by key."""
    query = select(Failure.key, Failure.count, Failure.until).where(Failure.key.in_(keys), Failure.until > now)
    return {key: Count(count, until) for key, count, until in await db.execute(query)}


async def count_failure(db: AsyncSession, key: str, now: int, until: int) -> Count:
    """Add one under this key, for itself until `until` where no count is running; return what stands there now."""
    over = Failure.until <= now
    # The same clause in both, but each dialect has an `insert` of its own for it.
    insert = sqlite.insert if db.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = (
        insert(Failure)
        .values(key=key, count=1, until=until)
        .on_conflict_do_update(
            index_elements=[Failure.key],
            set_={
                "count": case((over, 1), else_=Failure.count + 1),
                "until": case((over, until), else_=Failure.until),
            },
        )
        .returning(Failure.count, Failure.until)
    )
    return Count(*(await db.execute(statement)).one())


async def take_back_failure(db: AsyncSession, key: str) -> None:
    """Take away one under this key."""
    await db.execute(update(Failure).where(Failure.key == key, Failure.count > 0).values(count=Failure.count - 1))


async def forget_failures(db: AsyncSession, key: str) -> None:
    """Take away all under this key."""
    await db.execute(delete(Failure).where(Failure.key == key))


async def forget_old_failures(db: AsyncSession, now: int) -> None:
    """Delete the counts that have run out."""
    await db.execute(delete(Failure).where(Failure.until <= now))
