"""Badges as rows: one for each pupil who has one. Only the SHA-256 of its secret is kept."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from channels.member import STUDENT
from server.databases.accounts import Account, Badge, Enrolment, School
from server.databases.batch import batches
from server.databases.enrolments import enrolled


async def badges_on(db: AsyncSession) -> bool:
    """Return whether the school has switched badges on."""
    return bool(await db.scalar(select(School.badges).order_by(School.id).limit(1)))


async def switch_badges(db: AsyncSession, *, on: bool) -> None:
    """Switch them on or off."""
    await db.execute(update(School).values(badges=on))


async def students_of(db: AsyncSession, class_id: int) -> Sequence[Row[int, str, str]]:
    """Return (id, name, login) of the students of a class who may sign in."""
    query = (
        select(Account.id, Account.name, Account.login)
        .join(Enrolment, Enrolment.user_id == Account.id)
        .where(Enrolment.class_id == class_id, enrolled(), Enrolment.role == STUDENT)
        .where(Account.role == STUDENT, Account.enabled, Account.active)
    )
    return (await db.execute(query)).all()


async def replace_badges(db: AsyncSession, hashes: Mapping[int, bytes], now: int) -> set[int]:
    """Store the hashes of new badges by their users; return the users who had one before."""
    had = await forget_badges(db, hashes)
    rows = [{"user_id": user_id, "secret_hash": each, "made_at": now} for user_id, each in hashes.items()]
    if rows:
        await db.execute(insert(Badge), rows)
    return had


async def forget_badges(db: AsyncSession, user_ids: Collection[int]) -> set[int]:
    """Void the badges of these users; return who had one."""
    had: set[int] = set()
    for some in batches(user_ids):
        had.update(await db.scalars(delete(Badge).where(Badge.user_id.in_(some)).returning(Badge.user_id)))
    return had


async def owner_of(db: AsyncSession, secret_hash: bytes, *, lock: bool = False) -> Account | None:
    """Return whose badge this is; `lock` locks the account until the transaction ends."""
    query = select(Account).join(Badge, Badge.user_id == Account.id).where(Badge.secret_hash == secret_hash)
    return await db.scalar(query.with_for_update(of=Account) if lock else query)
