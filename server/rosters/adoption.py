"""Gives accounts that were made by hand to the roster, once their owners are in it.

The login shows that it is the same person. The account keeps its id, and with it the password, the messages and the
open connections; from then on it follows the roster. An account of another role is not taken over: its password would
give somebody rights that nobody gave them, or take them away.
"""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account
from server.rosters.problems import SHOWN_PLACES, Problem, Problems, Remark, shown
from server.rosters.roster import Roster, User
from server.rosters.staging import staged_users


async def adopt(db: AsyncSession, roster: Roster) -> list[Remark]:
    """Identify accounts made by hand that have a login of the roster; raise RosterErrors if one cannot be taken over.

    Nothing but the staged users is changed: the import then updates these accounts as it does all others.
    """
    problems, places = Problems(), []
    known = staged_users.c.user_id.is_not(None)
    query = (
        select(staged_users.c.number, Account.id, Account.name, Account.role, known)
        .join(Account, Account.login == staged_users.c.login)
        .where(Account.sourced_id.is_(None))
        .order_by(staged_users.c.number)
    )
    for number, user_id, name, role, is_known in (await db.execute(query)).all():
        user = roster.users[number]
        if message := _obstacle(user, role, is_known):
            problems.add("users.csv", user.line, user.column, message)
            continue
        await db.execute(update(staged_users).where(staged_users.c.number == number).values(user_id=user_id))
        message = f"{shown(user.login)}, {shown(name)} by hand, is {shown(user.name)} of the roster from now on."
        places.append(Problem("users.csv", user.line, user.column, message))
    problems.check()
    return [Remark("accounts made by hand, taken over", len(places), places[:SHOWN_PLACES])] if places else []


def _obstacle(user: User, role: str, is_known: bool) -> str:
    """Return why an account made by hand cannot become that of this user, or an empty string."""
    start = f"{shown(user.login)} is the login of somebody who was created by hand on this server"
    if role != user.role:
        return f"{start}, as a {role}, and here of a {user.role}: give one of them another login."
    if is_known:
        return f"{start}, and this user has another account from earlier rosters: keep the earlier login."
    return ""
