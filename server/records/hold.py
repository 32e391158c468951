"""Legal holds, for the office and for commands: set, listed, lifted, and each of them recorded."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select

from server.accounts.identifiers import normal_login
from server.accounts.refusals import UserError
from server.clock import Clock, now_ms
from server.databases import Databases, reading, writing
from server.databases.accounts import Account, SchoolClass
from server.databases.audit import Record, add_records
from server.databases.holds import Hold, add_hold, all_holds, lift_hold
from server.databases.outbox import new_key
from server.databases.users import find_user

# A sentence: the number of the case, and who asked for it.
MAX_REASON_CHARACTERS = 300


class ShownHold(NamedTuple):
    """A hold with the name of the person or the title of the class."""

    id: int
    name: str
    reason: str
    at: int


class Holds:
    """The legal holds of one school. Raises UserError for one that cannot be set; DatabaseError."""

    def __init__(self, databases: Databases, clock: Clock = now_ms) -> None:
        self._accounts = databases.sessions("accounts")
        self._audit = databases.sessions("audit")
        self._clock = clock

    async def all(self) -> list[ShownHold]:
        """Return the holds, the oldest first."""
        async with reading(self._audit) as db:
            found = await all_holds(db)
        users, classes = await self._names(found)
        names = [users.get(each.user_id or 0) or classes.get(each.class_id or 0, "?") for each in found]
        return [ShownHold(each.id, name, each.reason, each.at) for each, name in zip(found, names, strict=True)]

    async def _names(self, found: Sequence[Hold]) -> tuple[Mapping[int, str], Mapping[int, str]]:
        user_ids, class_ids = [each.user_id for each in found], [each.class_id for each in found]
        async with reading(self._accounts) as db:
            users = await db.execute(select(Account.id, Account.name).where(Account.id.in_(user_ids)))
            classes = await db.execute(select(SchoolClass.id, SchoolClass.title).where(SchoolClass.id.in_(class_ids)))
            return {row.id: row.name for row in users}, {row.id: row.title for row in classes}

    async def on_person(self, login: str, reason: str, by: int | None) -> int:
        """Set a hold on the person with this login; return its id."""
        async with reading(self._accounts) as db:
            account = await find_user(db, normal_login(login))
        if account is None:
            raise UserError(f"There is no user with the login “{login}”.", "hold-nobody")
        return await self._set(account.id, None, reason, by)

    async def on_class(self, title: str, reason: str, by: int | None) -> int:
        """Set a hold on the one class with this title; return its id."""
        async with reading(self._accounts) as db:
            found = (await db.execute(select(SchoolClass.id, SchoolClass.title))).all()
        ids = [id_ for id_, each in found if each.casefold() == title.strip().casefold()]
        if len(ids) != 1:
            raise UserError(f"There is no class, or more than one, called “{title}”.", "hold-nobody")
        return await self._set(None, ids[0], reason, by)

    async def _set(self, user_id: int | None, class_id: int | None, reason: str, by: int | None) -> int:
        reason, now = reason.strip()[:MAX_REASON_CHARACTERS], self._clock()
        async with writing(self._audit) as db:
            hold_id = await add_hold(db, user_id, class_id, reason, now, by)
            await add_records(db, [_record("hold:set", hold_id, user_id, class_id, now, by)])
        return hold_id

    async def lift(self, hold_id: int, by: int | None) -> None:
        """Lift a hold."""
        now = self._clock()
        async with writing(self._audit) as db:
            hold = await lift_hold(db, hold_id)
            if hold is None:
                raise UserError(f"There is no hold {hold_id}.", "gone")
            await add_records(db, [_record("hold:lifted", hold_id, hold.user_id, hold.class_id, now, by)])


def _record(kind: str, hold_id: int, user_id: int | None, class_id: int | None, now: int, by: int | None) -> Record:
    topic = f"class:{class_id}" if class_id is not None else None
    return Record(new_key(), now, kind, by, user_id, topic, detail={"hold": hold_id})
