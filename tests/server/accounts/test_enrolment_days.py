"""Enrolments that begin and end with the school's days."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from server.accounts.accounts import Accounts
from server.accounts.change_watcher import ChangeWatcher
from server.accounts.enrolment_days import EnrolmentDays
from server.accounts.school_hours import set_hours
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Change, Enrolment
from tests.server.conftest import TurnedClock
from tests.server.people import People


class Midnights:
    """A school in a time zone, whose clock a test sets; `told` are those whose rights have just changed."""

    def __init__(self, sessions: DbSessions, accounts: Accounts, clock: TurnedClock) -> None:
        self.told: set[int] = set()
        self._sessions, self._accounts, self._clock = sessions, accounts, clock
        self._zone = ZoneInfo("UTC")
        self._days = EnrolmentDays(sessions, accounts, now=clock)
        self._watcher = ChangeWatcher(accounts, self._note, seconds=3600)

    async def _note(self, users: set[int] | None) -> None:
        assert users is not None
        self.told |= users

    async def start(self, zone: str) -> None:
        await set_hours(self._sessions, zone=zone)
        self._zone = ZoneInfo(zone)
        await self._watcher.start()

    async def stop(self) -> None:
        await self._watcher.stop()

    async def look(self) -> None:
        """Read what has changed."""
        await self._watcher.look()

    async def at(self, *when: int) -> list[int]:
        """Look which day it is at a local time; return the users whose enrolments are active then."""
        self.told = set()
        self._clock.now = int(datetime(*when, tzinfo=self._zone).timestamp() * 1000)  # type: ignore[misc, arg-type]
        await self._days.check()
        await self._watcher.look()
        async with reading(self._sessions) as db:
            found = await db.scalars(select(Enrolment.user_id).where(Enrolment.active).order_by(Enrolment.user_id))
            return list(found)


@pytest.fixture
def midnights(sessions: DbSessions, accounts: Accounts, clock: TurnedClock) -> Midnights:
    return Midnights(sessions, accounts, clock)


async def enrol(sessions: DbSessions, user_id: int, class_id: int, begins: str | None, ends: str | None) -> None:
    values = {"user_id": user_id, "class_id": class_id, "role": "teacher", "active": False}
    async with writing(sessions) as db:
        await db.execute(insert(Enrolment).values(**values, begins=begins, ends=ends))


# In São Paulo clocks went from 23:59:59 to 01:00 on that night: the day had no midnight. In Lisbon, 25 hours.
@pytest.mark.parametrize(
    ("zone", "before", "day", "after"),
    [
        ("America/Sao_Paulo", (2018, 11, 3, 23, 59, 59), (2018, 11, 4, 1, 0), (2018, 11, 5, 0, 0)),
        ("Europe/Lisbon", (2026, 10, 24, 23, 59, 59), (2026, 10, 25, 0, 0), (2026, 10, 26, 0, 0)),
        ("Europe/Lisbon", (2026, 3, 28, 23, 59, 59), (2026, 3, 29, 0, 0), (2026, 3, 30, 0, 0)),
    ],
)
async def test_substitute_teaches_from_midnight_to_midnight_over_dst(
    midnights: Midnights,
    sessions: DbSessions,
    people: People,
    zone: str,
    before: tuple[int, ...],
    day: tuple[int, ...],
    after: tuple[int, ...],
) -> None:
    await people.school("Escola")
    ana, paula, substitute = [await people.user(login) for login in ("ana", "paula", "substituta")]
    principal = await people.user("diretora", "principal")
    class_id = await people.classroom("6A", ana, teacher=paula)
    iso = "-".join(f"{number:02}" for number in day[:3])
    await enrol(sessions, substitute, class_id, iso, iso)
    await midnights.start(zone)
    assert await midnights.at(*before) == [ana, paula]
    assert midnights.told == set()
    assert await midnights.at(*day) == [ana, paula, substitute]
    assert midnights.told == {ana, paula, substitute, principal}
    assert await midnights.at(*day[:3], 23, 59, 59) == [ana, paula, substitute]
    assert await midnights.at(*after) == [ana, paula]
    assert midnights.told == {ana, paula, substitute, principal}
    await midnights.stop()


async def test_what_a_server_missed_is_turned_at_its_start(
    midnights: Midnights, sessions: DbSessions, people: People
) -> None:
    await people.school("Escola")
    past, future = await people.user("past"), await people.user("future")
    class_id = await people.classroom("6A")
    await enrol(sessions, past, class_id, None, "2026-01-01")
    async with writing(sessions) as db:
        await db.execute(update(Enrolment).values(active=True))
    await enrol(sessions, future, class_id, "2026-05-01", None)
    await midnights.start("America/Sao_Paulo")
    assert await midnights.at(2026, 5, 2, 12) == [future]
    await midnights.stop()


async def test_zone_that_changes_and_changes_back_between_two_checks_is_noticed(
    midnights: Midnights, sessions: DbSessions, people: People
) -> None:
    await people.school("Escola")
    ana, class_id = await people.user("ana"), await people.classroom("6A")
    await midnights.start("Pacific/Kiritimati")
    await midnights.at(2026, 5, 2, 12)
    await set_hours(sessions, zone="Pacific/Pago_Pago")
    await enrol(sessions, ana, class_id, "2026-05-02", None)
    await set_hours(sessions, zone="Pacific/Kiritimati")
    await midnights.look()
    assert await midnights.at(2026, 5, 2, 12) == [ana]
    await midnights.stop()


async def test_enrolment_that_the_roster_ended_does_not_begin(
    midnights: Midnights, sessions: DbSessions, people: People
) -> None:
    await people.school("Escola")
    await enrol(sessions, await people.user("ana"), await people.classroom("6A"), "2026-05-01", None)
    async with writing(sessions) as db:
        await db.execute(update(Enrolment).values(listed=False))
    await midnights.start("UTC")
    assert await midnights.at(2026, 5, 2, 12) == []
    async with reading(sessions) as db:
        assert (await db.scalars(select(Change.id).where(Change.kind == "user"))).all() == []
    await midnights.stop()
