"""Who comes and who goes, who changes, and who changes classes, by name: what an import would do, for people to read.

Read from a staged roster whose users and classes are identified. The numbers of an import are exact; of each list only
the first names are kept.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, exists, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Enrolment, SchoolClass
from server.databases.batch import batches
from server.rosters.compare import CLASSES, ENROLMENTS, USERS
from server.rosters.staging import staged_classes, staged_enrolments, staged_users

# Names of one list: 40 pages. Who is there in a first import need not be read here, and of a change so large that it is
# refused, the first pages tell why.
MAX_NAMES = 2_000


class Entry(msgspec.Struct, omit_defaults=True):
    """A person, or a class with its title as name; `was` has the former values of what changes, `back` who had left.

    `left` and `joined` are titles of classes.
    """

    name: str
    login: str = ""
    role: str = ""
    grade: str = ""
    was: dict[str, str] = {}
    back: bool = False
    left: list[str] = []
    joined: list[str] = []


class Lists(NamedTuple):
    """The lists by name, and how many people change classes."""

    entries: Mapping[str, Sequence[Entry]]
    moving: int


async def read_lists(db: AsyncSession) -> Lists:
    """Read them; see `Entry`."""
    person, room = ("name", "login", "role"), ("title", "grade")
    moving = _moving().subquery()
    entries = {
        "user:new": await _plain(db, select(*_of(staged_users, person)).where(USERS.new), "name"),
        "user:changed": await _changed(db, USERS, person),
        "user:gone": await _plain(db, select(*_of(USERS.table, person)).where(USERS.gone), "name"),
        "class:new": await _plain(db, select(*_of(staged_classes, room)).where(CLASSES.new), "title"),
        "class:changed": await _changed(db, CLASSES, room),
        "class:gone": await _plain(db, select(*_of(CLASSES.table, room)).where(CLASSES.gone), "title"),
        "user:moved": await _moved(db, moving),
    }
    return Lists(entries, await db.scalar(select(func.count()).select_from(moving)) or 0)


def _of(table: Any, names: Iterable[str]) -> list[Any]:
    return [table.c[name] for name in names]


async def _plain(db: AsyncSession, rows: Select[Any], order: str) -> list[Entry]:
    found = await db.execute(rows.order_by(rows.selected_columns[order]).limit(MAX_NAMES))
    return [_entry(row) for row in found.mappings()]


def _entry(row: Mapping[Any, Any]) -> Entry:
    name = row["name"] if "name" in row else row["title"]
    return Entry(name, row.get("login", ""), row.get("role", ""), row.get("grade", ""))


async def _changed(db: AsyncSession, kind: Any, names: Sequence[str]) -> list[Entry]:
    before = [kind.table.c[name].label(f"was_{name}") for name in names]
    rows = select(*_of(kind.staged, names), *before, kind.table.c.active).where(kind.same, kind.differs)
    found = await db.execute(rows.order_by(kind.staged.c[names[0]]).limit(MAX_NAMES))
    entries = []
    for row in found.mappings():
        entry = _entry(row)
        entry.was = {name: row[f"was_{name}"] for name in names if row[f"was_{name}"] != row[name]}
        entry.back = not row["active"]
        entries.append(entry)
    return entries


def _moving() -> Select[int]:
    """Return the ids of those who stay at the school and come into a class or leave one."""
    joining = select(staged_enrolments.c.user_id).where(ENROLMENTS.new, staged_enrolments.c.user_id > 0)
    back = select(Enrolment.user_id).where(ENROLMENTS.same, ~Enrolment.listed)
    stays = exists().where(staged_users.c.user_id == Enrolment.user_id)
    leaving = select(Enrolment.user_id).where(ENROLMENTS.gone, stays)
    found = union(joining, back, leaving).subquery()
    return select(found.c[0].label("user_id"))


async def _moved(db: AsyncSession, moving: Any) -> list[Entry]:
    query = select(Account.id, Account.name, Account.login, Account.role).join(moving, moving.c.user_id == Account.id)
    people = {
        row.id: Entry(row.name, row.login, row.role)
        for row in await db.execute(query.order_by(Account.name).limit(MAX_NAMES))
    }
    titles = await _titles(db)
    for some in batches(people):
        left = select(Enrolment.user_id, Enrolment.class_id).where(ENROLMENTS.gone, Enrolment.user_id.in_(some))
        new = select(staged_enrolments.c.user_id, staged_enrolments.c.class_id)
        new = new.where(ENROLMENTS.new, staged_enrolments.c.user_id.in_(some))
        back = select(Enrolment.user_id, Enrolment.class_id)
        back = back.where(ENROLMENTS.same, ~Enrolment.listed, Enrolment.user_id.in_(some))
        for user_id, class_id in await db.execute(left):
            people[user_id].left.append(titles[class_id])
        for query_ in (new, back):
            for user_id, class_id in await db.execute(query_):
                people[user_id].joined.append(titles[class_id])
    return list(people.values())


async def _titles(db: AsyncSession) -> Mapping[int, str]:
    number = func.coalesce(staged_classes.c.class_id, -1 - staged_classes.c.number)
    titles: dict[int, str] = defaultdict(str)
    for query in (select(SchoolClass.id, SchoolClass.title), select(number, staged_classes.c.title)):
        titles.update((row[0], row[1]) for row in await db.execute(query))
    return titles
