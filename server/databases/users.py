"""Users as rows, for signing in and for the administrator's commands."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Enrolment, SchoolClass
from server.databases.batch import batches
from server.databases.enrolments import enrolled


async def find_user(db: AsyncSession, login: str, *, lock: bool = False) -> Account | None:
    """Return the user with this login; `lock` locks the row until the transaction ends."""
    query = select(Account).where(Account.login == login)
    return await db.scalar(query.with_for_update() if lock else query)


async def find_users(db: AsyncSession, logins: Collection[str]) -> dict[str, Account]:
    """Return the users with these logins, by login."""
    found: dict[str, Account] = {}
    for some in batches(logins):
        users = await db.scalars(select(Account).where(Account.login.in_(some)))
        found.update((user.login, user) for user in users)
    return found


# Who looks for a name that more people have looks for one of them by the whole name, or by the login.
MAX_CALLED = 100


async def users_called(db: AsyncSession, login: str, name: str) -> list[int]:
    """Return the ids of the user with this login, or else of the first users who have this in their names."""
    if user_id := await db.scalar(select(Account.id).where(Account.login == login)):
        return [user_id]
    called = Account.name.icontains(name, autoescape=True)
    return list(await db.scalars(select(Account.id).where(called).order_by(Account.id).limit(MAX_CALLED)))


def set_password(user: Account, password_hash: str) -> None:
    """Set a user's password; an unused one-time code becomes invalid."""
    user.password_hash = password_hash
    user.code_hash = user.code_expires_at = None


async def set_roster_passwords(db: AsyncSession, password_hash: str) -> None:
    """Set the same password for all users of the roster."""
    values = {"password_hash": password_hash, "code_hash": None, "code_expires_at": None}
    await db.execute(update(Account).where(Account.sourced_id.is_not(None)).values(values))


async def set_codes(db: AsyncSession, codes: Iterable[tuple[int, str]], expires_at: int) -> None:
    """Set each user's (by id) one-time code hash, replacing an earlier one; skip users who have a password."""
    statement = (
        update(Account.__table__)  # type: ignore[arg-type]
        .where(Account.id == bindparam("user"), Account.password_hash.is_(None))
        .values(code_hash=bindparam("code"), code_expires_at=expires_at)
    )
    rows = [{"user": user_id, "code": code_hash} for user_id, code_hash in codes]
    if rows:
        await (await db.connection()).execute(statement, rows)


async def in_class(db: AsyncSession, user_id: int, class_id: int, role: str) -> bool:
    """Return whether somebody with this role is in a class with it."""
    query = select(Account.id).join(Enrolment, Enrolment.user_id == Account.id)
    within = (Enrolment.class_id == class_id, enrolled(), Enrolment.role == role)
    return await db.scalar(query.where(Account.id == user_id, Account.role == role, *within)) is not None


async def class_titles(db: AsyncSession) -> dict[int, str]:
    """Return the titles of all active classes."""
    rows = await db.execute(select(SchoolClass.id, SchoolClass.title).where(SchoolClass.active))
    return {row.id: row.title for row in rows}


async def without_password(db: AsyncSession, class_ids: Collection[int]) -> Sequence[Row[int, str, str, str, int]]:
    """Return (id, role, name, login, class_id) of those enrolled in these classes who have no password.

    A user who is in several of the classes is returned several times.
    """
    query = (
        select(Account.id, Account.role, Account.name, Account.login, Enrolment.class_id)
        .join(Enrolment, Enrolment.user_id == Account.id)
        .where(
            Enrolment.class_id.in_(class_ids),
            enrolled(),
            Account.enabled,
            Account.active,
            Account.password_hash.is_(None),
        )
    )
    return (await db.execute(query)).all()


async def count_without_password(db: AsyncSession) -> dict[int, int]:
    """Return how many people without a password each active class has that has any, by its id."""
    query = (
        select(SchoolClass.id, func.count())
        .join(Enrolment, Enrolment.class_id == SchoolClass.id)
        .join(Account, Account.id == Enrolment.user_id)
        .where(
            SchoolClass.active,
            enrolled(),
            Account.enabled,
            Account.active,
            Account.password_hash.is_(None),
        )
        .group_by(SchoolClass.id)
    )
    return {row[0]: row[1] for row in await db.execute(query)}
