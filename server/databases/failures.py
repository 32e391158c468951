"""Counts of failed sign-ins, and tickets for further ones: all workers share them, and they survive restarts.

A ticket is a row without a count. A key of turns has the time of the last turn that was given as its `until`.
"""

from typing import NamedTuple

from sqlalchemy import case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Failure
from server.databases.upsert import insert_into


class Count(NamedTuple):
    """The number of failures under a key, and when the count restarts."""

    failures: int
    until: int


async def failure_counts(db: AsyncSession, keys: list[str], now: int) -> dict[str, Count]:
    """Return the counts that are still running, by key."""
    query = select(Failure.key, Failure.count, Failure.until).where(Failure.key.in_(keys), Failure.until > now)
    return {key: Count(count, until) for key, count, until in await db.execute(query)}


async def count_failure(db: AsyncSession, key: str, now: int, until: int) -> Count:
    """Add one under this key, starting a new count until `until` if none is running; return the count."""
    over = Failure.until <= now
    statement = (
        insert_into(db, Failure)
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
    """Subtract one under this key."""
    await db.execute(update(Failure).where(Failure.key == key, Failure.count > 0).values(count=Failure.count - 1))


async def forget_failures(db: AsyncSession, key: str) -> None:
    """Delete the count under this key."""
    await db.execute(delete(Failure).where(Failure.key == key))


async def next_turn(db: AsyncSession, key: str, now: int, wait: int, latest: int) -> int | None:
    """Give the next turn under this key, `wait` after the last one or after now; None if it would be after `latest`."""
    after_last = case((Failure.until > now, Failure.until), else_=now) + wait
    statement = (
        insert_into(db, Failure)
        .values(key=key, count=0, until=now + wait)
        .on_conflict_do_update(index_elements=[Failure.key], set_={"until": after_last}, where=after_last <= latest)
        .returning(Failure.until)
    )
    return (await db.execute(statement)).scalar_one_or_none()


async def add_ticket(db: AsyncSession, key: str, until: int) -> None:
    """Store a ticket that ends at this time."""
    db.add(Failure(key=key, count=0, until=until))


async def take_ticket(db: AsyncSession, key: str, now: int, latest: int) -> int | None:
    """Return a ticket's end, None if there is no such ticket; delete it if it ends by `latest`."""
    until = await db.scalar(select(Failure.until).where(Failure.key == key, Failure.until > now))
    if until is None or until > latest:
        return until
    taken = delete(Failure).where(Failure.key == key).returning(Failure.until)
    return (await db.execute(taken)).scalar_one_or_none()


async def forget_old_failures(db: AsyncSession, now: int) -> None:
    """Delete expired counts."""
    await db.execute(delete(Failure).where(Failure.until <= now))
