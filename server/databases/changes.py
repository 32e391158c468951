"""Notes that tell every running worker, within a second, whose rights or sign-ins have changed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Change

# Past so many, reading everybody again costs a worker less than looking for each.
EVERYBODY = 200

# Any number, the same in every process: who writes notes in PostgreSQL holds this lock until the commit.
_LOCK = 0x10055


class Note(NamedTuple):
    """One change; without a `user_id` it concerns everybody."""

    id: int
    user_id: int | None


async def note_changes(session: AsyncSession, user_ids: Iterable[int] | None, at: int) -> None:
    """Leave a note for each of these users, or for everybody (None), in the transaction that changes them.

    Call it last in the transaction. In PostgreSQL ids are given before the commit, so that of two transactions the
    later id could be seen first and the other be missed; holding a lock from here to the commit makes ids and commits
    one order, and keeps others waiting only for a moment. SQLite has one writer at a time anyway.
    """
    users: Sequence[int | None] = [None] if user_ids is None else sorted(set(user_ids))
    if not users:
        return
    if len(users) > EVERYBODY:
        users = [None]
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    await session.execute(insert(Change), [{"user_id": user_id, "at": at} for user_id in users])


async def newest_change(session: AsyncSession) -> int:
    """Return the id of the newest note, 0 where there is none."""
    return await session.scalar(select(func.max(Change.id))) or 0


async def changes_after(session: AsyncSession, last: int) -> list[Note]:
    """Return the notes that came after the one with this id, oldest first."""
    rows = await session.execute(select(Change.id, Change.user_id).where(Change.id > last).order_by(Change.id))
    return [Note(*row) for row in rows]


async def forget_changes(session: AsyncSession, before: int) -> None:
    """Delete the notes made before this time."""
    await session.execute(delete(Change).where(Change.at < before))
