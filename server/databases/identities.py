"""The users' accounts at the school's providers, as rows (accounts.UserIdentity)."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, UserIdentity
from server.databases.failures import count_failure


async def find_identity(db: AsyncSession, issuer: str, subject: str) -> tuple[int, Account] | None:
    """Return the identity's id and its user, whose row is locked until the transaction ends."""
    query = (
        select(UserIdentity.id, Account)
        .join(Account, Account.id == UserIdentity.user_id)
        .where(UserIdentity.issuer == issuer, UserIdentity.subject == subject)
        .with_for_update(of=Account)
    )
    row = (await db.execute(query)).one_or_none()
    return (row[0], row[1]) if row is not None else None


async def find_by_sourced_id(db: AsyncSession, sourced_id: str) -> Account | None:
    """Return the user with this id of the roster, whose row is locked until the transaction ends."""
    return await db.scalar(select(Account).where(Account.sourced_id == sourced_id).with_for_update())


async def identity_of(db: AsyncSession, user_id: int, issuer: str) -> tuple[int, str] | None:
    """Return the id and the subject of the user's identity of this issuer."""
    query = select(UserIdentity.id, UserIdentity.subject)
    row = (await db.execute(query.where(UserIdentity.user_id == user_id, UserIdentity.issuer == issuer))).one_or_none()
    return (row.id, row.subject) if row is not None else None


async def identities_of(db: AsyncSession, user_id: int) -> list[tuple[str, int]]:
    """Return the issuers of a user's identities, each with the time of the first sign-in (ms since 1970)."""
    rows = await db.execute(select(UserIdentity.issuer, UserIdentity.created_at).where(UserIdentity.user_id == user_id))
    return [(row.issuer, row.created_at) for row in rows]


async def add_identity(db: AsyncSession, user_id: int, issuer: str, subject: str, now: int) -> int:
    """Store that this subject is this user; return the identity's id."""
    values = {"user_id": user_id, "issuer": issuer, "subject": subject, "created_at": now}
    return (await db.execute(insert(UserIdentity).values(values).returning(UserIdentity.id))).scalar_one()


async def identity_ids(db: AsyncSession, issuer: str, subject: str) -> Sequence[int]:
    """Return the id of an identity, in a list that is empty if there is none."""
    query = select(UserIdentity.id).where(UserIdentity.issuer == issuer, UserIdentity.subject == subject)
    return (await db.scalars(query)).all()


async def forget_identities(db: AsyncSession, user_id: int) -> int:
    """Delete the identities of a user; return how many there were."""
    return len(
        (await db.scalars(delete(UserIdentity).where(UserIdentity.user_id == user_id).returning(UserIdentity.id))).all()
    )


async def use_once(db: AsyncSession, key: str, now: int, until: int) -> bool:
    """Return whether this key is used for the first time; it is remembered until then, by all workers."""
    return (await count_failure(db, f"once {key}", now, until)).failures == 1
