"""Finds people of the school for its office, a page at a time, and reads all that there is about one of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Enrolment, SchoolClass
from server.databases.enrolments import coming_user, enrolled
from server.databases.erased import NOT_ERASED
from server.databases.folded import folded_words

# More words than a name has are not looked at.
MAX_WORDS = 8

STATES = ("never", "disabled", "left")


class PersonPlace(NamedTuple):
    """The place of a person in the list, which is by folded name."""

    folded: str
    id: int


@dataclass(frozen=True, slots=True)
class WantedPeople:
    """Which people are wanted: whose names or logins have words that begin so, of a role, of a class, in a state.

    States: `never` has not signed in yet, `disabled` by the school, `left` the roster. Empty or None: any.
    """

    text: str = ""
    role: str = ""
    state: str = ""
    class_id: int | None = None


async def find_people(
    db: AsyncSession, wanted: WantedPeople, after: PersonPlace | None, limit: int
) -> Sequence[Account]:
    """Return the first `limit` of the wanted people after a place (None: of all), by name."""
    query = select(Account).where(*_conditions(wanted)).order_by(Account.folded, Account.id).limit(limit)
    if after is not None:
        later = and_(Account.folded == after.folded, Account.id > after.id)
        # The first condition is the second's, simpler: it alone is a range of the index.
        query = query.where(Account.folded >= after.folded, or_(Account.folded > after.folded, later))
    return (await db.scalars(query)).all()


def _conditions(wanted: WantedPeople) -> list[Any]:
    words = folded_words(wanted.text)[:MAX_WORDS]
    conditions: list[Any] = [NOT_ERASED, *(Account.folded.contains(f" {word}", autoescape=True) for word in words)]
    if wanted.role:
        conditions.append(Account.role == wanted.role)
    if wanted.class_id is not None:
        within = (Enrolment.class_id == wanted.class_id, enrolled())
        conditions.append(exists().where(Enrolment.user_id == Account.id, *within))
    return [*conditions, *_in_state(wanted.state), ~coming_user()]


def _in_state(state: str) -> list[Any]:
    may = (Account.enabled, Account.active)
    found: dict[str, list[Any]] = {
        "never": [Account.signed_in_at.is_(None), *may],
        "disabled": [~Account.enabled],
        "left": [~Account.active],
    }
    return found.get(state, [])


async def read_person(db: AsyncSession, user_id: int) -> Account | None:
    """Return one person."""
    return await db.scalar(select(Account).where(Account.id == user_id, ~coming_user()))


async def classes_of(db: AsyncSession, user_ids: Collection[int]) -> Sequence[Row[int, int, str, str, str | None]]:
    """Return (user id, class id, title, role there, the roster's id of that) of these people's classes, by title."""
    query = (
        select(Enrolment.user_id, SchoolClass.id, SchoolClass.title, Enrolment.role, Enrolment.sourced_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(Enrolment.user_id.in_(user_ids), enrolled(), SchoolClass.active)
        .order_by(SchoolClass.title, SchoolClass.id)
    )
    return (await db.execute(query)).all()
