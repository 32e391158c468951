"""What the office sets holds for the whole school, on every worker."""

import msgspec
import pytest

from server.accounts.accounts import Accounts
from server.accounts.change_watcher import ChangeWatcher
from server.accounts.refusals import UserError
from server.accounts.school_settings import get_settings, set_settings
from server.databases import DbSessions, reading
from server.databases.changes import changes_after
from server.databases.outbox import audited_accounts
from server.databases.school_settings import SchoolSettings
from tests.server.conftest import TurnedClock
from tests.server.people import People


async def test_name_set_by_the_office_goes_before_the_roster(
    accounts: Accounts, sessions: DbSessions, people: People, clock: TurnedClock
) -> None:
    await people.school("EM ARAUCARIAS")
    assert await accounts.school_name() == "EM ARAUCARIAS"
    await set_settings(sessions, SchoolSettings(" Escola das Araucárias "), clock)
    accounts.forget((), school=True)
    assert await accounts.school_name() == "Escola das Araucárias"
    await set_settings(sessions, SchoolSettings(), clock)
    accounts.forget((), school=True)
    assert await accounts.school_name() == "EM ARAUCARIAS"


async def test_change_is_told_to_all_workers_and_noted(sessions: DbSessions, clock: TurnedClock) -> None:
    await set_settings(sessions, SchoolSettings(teachers_reset=False), clock, user_id=7)
    await set_settings(sessions, SchoolSettings(teachers_reset=False), clock, user_id=7)
    async with reading(sessions) as db:
        (noted,) = (await audited_accounts(db, 9)).values()
    assert (await changes_after(sessions, 0)).school
    assert (noted.kind, noted.user_id, noted.detail) == ("settings:set", 7, {"teachers_reset": False})
    assert await get_settings(sessions) == SchoolSettings(teachers_reset=False)


@pytest.mark.parametrize(
    "wanted", [SchoolSettings(language="tlh"), SchoolSettings(board="pink"), SchoolSettings("\u202e")]
)
async def test_value_that_cannot_be_is_refused(sessions: DbSessions, wanted: SchoolSettings) -> None:
    with pytest.raises(UserError):
        await set_settings(sessions, wanted)
    assert await get_settings(sessions) == SchoolSettings()


async def test_withheld_right_is_known_to_every_worker(
    accounts: Accounts, sessions: DbSessions, people: People, clock: TurnedClock
) -> None:
    async def nobody(_users: set[int] | None) -> None:
        pass

    await people.school("Escola das Araucárias")
    watcher = ChangeWatcher(accounts, nobody, seconds=3600)
    await watcher.start()
    assert accounts.withheld == {"student": frozenset()}
    await set_settings(sessions, SchoolSettings(students_react=False, students_note=False), clock)
    await watcher.look()
    assert accounts.withheld == {"student": {"message:react", "message:unreact", "note:send"}}
    await watcher.stop()


def test_settings_stored_before_a_right_have_its_default() -> None:
    assert msgspec.json.decode(b'{"board":"blue"}', type=SchoolSettings).withheld == {"student": frozenset()}
