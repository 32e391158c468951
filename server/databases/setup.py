"""The code that makes a school's first administrator: one, short-lived, and void once there is an administrator."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, SetupCode
from server.databases.upsert import insert_into


async def has_users(db: AsyncSession, role: str | None = None) -> bool:
    """Return whether there is any user, or any of a role."""
    query = select(Account.id).limit(1)
    return await db.scalar(query.where(Account.role == role) if role else query) is not None


async def set_setup_code(db: AsyncSession, code_hash: bytes, expires_at: int) -> None:
    """Keep this code; an earlier one is void, and of several servers that start at once the last one's code is good."""
    new = {"code_hash": code_hash, "expires_at": expires_at}
    statement = insert_into(db, SetupCode).values(id=1, **new)
    await db.execute(statement.on_conflict_do_update(index_elements=[SetupCode.id], set_=new))


async def is_setup_code(db: AsyncSession, code_hash: bytes, now: int) -> bool:
    """Return whether this is the code, and good."""
    good = (SetupCode.code_hash == code_hash, SetupCode.expires_at > now)
    return await db.scalar(select(SetupCode.id).where(*good)) is not None


async def take_setup_code(db: AsyncSession, code_hash: bytes, now: int) -> bool:
    """Use the code up; return whether it was good. Of several at once only one gets it."""
    good = (SetupCode.code_hash == code_hash, SetupCode.expires_at > now)
    return bool((await db.scalars(delete(SetupCode).where(*good).returning(SetupCode.id))).all())
