"""The hours of a school's classes: stored, read by every worker, and bound to the school's time zone."""

import pytest

from channels.hours import ALWAYS, NO_SCHOOL_HOURS, Hours, Mode, SchoolHours, Span
from server.accounts.accounts import Accounts
from server.accounts.change_watcher import ChangeWatcher
from server.accounts.refusals import UserError
from server.accounts.school_hours import get_hours, set_hours
from server.databases import DbSessions
from tests.channels.support import DIRETORA
from tests.server.people import People

MORNINGS = Hours(Mode.HOURS, tuple(Span(day, "07:30", "12:00") for day in range(1, 6)))
ZONE = "America/Sao_Paulo"


async def test_classes_are_open_at_all_hours_at_first(sessions: DbSessions, people: People) -> None:
    assert await get_hours(sessions) == NO_SCHOOL_HOURS
    await people.school("Escola")
    assert await get_hours(sessions) == SchoolHours(ALWAYS, "UTC")


async def test_hours_and_time_zone_are_set_together_or_apart(sessions: DbSessions, people: People) -> None:
    await people.school("Escola")
    assert await set_hours(sessions, zone=ZONE) == SchoolHours(ALWAYS, ZONE)
    assert await set_hours(sessions, MORNINGS) == SchoolHours(MORNINGS, ZONE)
    assert await get_hours(sessions) == SchoolHours(MORNINGS, ZONE)


async def test_every_worker_reads_new_hours(sessions: DbSessions, people: People, accounts: Accounts) -> None:
    await people.school("Escola")

    async def nobody(users: set[int] | None) -> None:
        assert not users

    watcher = ChangeWatcher(accounts, nobody)
    await watcher.start()
    assert accounts.hours == SchoolHours(ALWAYS, "UTC")
    await set_hours(sessions, MORNINGS, ZONE)  # as another worker or a command does
    await watcher.look()
    assert accounts.hours == SchoolHours(MORNINGS, ZONE)
    await accounts.set_hours(DIRETORA, ALWAYS, None)
    assert accounts.hours == SchoolHours(ALWAYS, ZONE)
    await watcher.stop()


@pytest.mark.parametrize(("hours", "zone"), [(Hours(Mode.HOURS), ZONE), (MORNINGS, "Brasília")])
async def test_what_cannot_be_is_refused(sessions: DbSessions, people: People, hours: Hours, zone: str) -> None:
    await people.school("Escola")
    with pytest.raises(UserError):
        await set_hours(sessions, hours, zone)
    assert await get_hours(sessions) == SchoolHours(ALWAYS, "UTC")


async def test_school_without_a_roster_has_no_hours_to_set(sessions: DbSessions) -> None:
    with pytest.raises(UserError, match="roster"):
        await set_hours(sessions, MORNINGS, ZONE)


async def test_quiet_hours_are_set_beside_the_others(sessions: DbSessions, people: People) -> None:
    await people.school("Escola")
    night = (Span(1, "00:00", "07:00"), Span(1, "20:00", "24:00"))
    await set_hours(sessions, MORNINGS, ZONE)
    assert await set_hours(sessions, quiet=night) == SchoolHours(MORNINGS, ZONE, night)
    assert await set_hours(sessions, ALWAYS) == SchoolHours(ALWAYS, ZONE, night)
    assert await get_hours(sessions) == SchoolHours(ALWAYS, ZONE, night)
    for wrong in ((Span(1, "07:00", "07:00"),), (Span(1, "00:00", "07:00"),) * 29):
        with pytest.raises(UserError):
            await set_hours(sessions, quiet=wrong)
    assert await set_hours(sessions, quiet=()) == SchoolHours(ALWAYS, ZONE)
