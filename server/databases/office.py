"""Rows that the office changes: people by id, enrolments made by hand, and the administrators, who must not run out."""

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Enrolment, SchoolClass


async def lock_person(db: AsyncSession, user_id: int, guarded_role: str) -> Account | None:
    """Return one person, locked until the transaction ends; of the guarded role, all are locked with them.

    All are locked in one order, so that two transactions that each take one away wait for each other.
    """
    role = await db.scalar(select(Account.role).where(Account.id == user_id))
    which = Account.role == role if role == guarded_role else Account.id == user_id
    query = select(Account).where(which).order_by(Account.id).with_for_update()
    found = await db.scalars(query, execution_options={"populate_existing": True})
    return next((account for account in found if account.id == user_id), None)


async def has_another(db: AsyncSession, account: Account, role: str) -> bool:
    """Return whether another person of a role can sign in now, with what they know already."""
    knows = or_(
        Account.password_hash.is_not(None), and_(Account.signed_in_at.is_not(None), Account.code_hash.is_(None))
    )
    others = (Account.role == role, Account.id != account.id, Account.enabled, Account.active, knows)
    return await db.scalar(select(Account.id).where(*others).limit(1)) is not None


async def find_enrolment(db: AsyncSession, user_id: int, class_id: int) -> Enrolment | None:
    """Return somebody's enrolment in a class, also one that has ended, locked until the transaction ends."""
    which = (Enrolment.user_id == user_id, Enrolment.class_id == class_id)
    return await db.scalar(select(Enrolment).where(*which).with_for_update())


async def find_class(db: AsyncSession, class_id: int) -> SchoolClass | None:
    """Return a class that there is now."""
    return await db.scalar(select(SchoolClass).where(SchoolClass.id == class_id, SchoolClass.active))


async def set_enrolled_as(db: AsyncSession, user_id: int, role: str | None) -> None:
    """Let somebody be in their classes as `student` or `teacher`; None: in none any more."""
    values = {"active": False} if role is None else {"role": role}
    which = (Enrolment.user_id == user_id, Enrolment.active)
    await db.execute(update(Enrolment).where(*which).values(**values), execution_options={"synchronize_session": False})
