"""What the school's office does with accounts: finding them, and all that there is about one of them."""

from typing import NamedTuple

from server.clock import Clock
from server.databases import DbSessions, reading
from server.databases.accounts import Account
from server.databases.people import PersonPlace, WantedPeople, classes_of, find_people


class ClassOfPerson(NamedTuple):
    """A class that a person is in, as `student` or `teacher`."""

    id: int
    title: str
    role: str


class ListedPerson(NamedTuple):
    """A person as lists show them: their account, and the classes that they are in by title."""

    account: Account
    classes: list[ClassOfPerson]


class Office:
    """The accounts of the school, for its office. Every coroutine may raise DatabaseUnavailable."""

    def __init__(self, sessions: DbSessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def find(self, wanted: WantedPeople, after: PersonPlace | None, limit: int) -> list[ListedPerson]:
        """Return the first `limit` of the wanted people after a place (None: of all), by name."""
        async with reading(self._sessions) as db:
            found = await find_people(db, wanted, after, limit)
            classes: dict[int, list[ClassOfPerson]] = {account.id: [] for account in found}
            for user_id, class_id, title, role in await classes_of(db, classes):
                classes[user_id].append(ClassOfPerson(class_id, title, role))
        return [ListedPerson(account, classes[account.id]) for account in found]
