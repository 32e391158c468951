import asyncio
import logging
from pathlib import Path

import pytest
from sqlalchemy import delete

from server.accounts.accounts import Accounts
from server.accounts.change_watcher import ChangeWatcher
from server.accounts.users import Users
from server.databases import Databases, DbSessions, writing
from server.databases.accounts import Change
from server.databases.changes import EVERYBODY, note_changes
from server.settings import database_urls
from tests.server.people import People
from tests.statements import recorded


class Told:
    """Records each change, and who then owns one secret; raises as often as a test sets."""

    def __init__(self) -> None:
        self.users: list[set[int] | None] = []
        self.failures = 0
        self.news = asyncio.Event()

    async def __call__(self, users: set[int] | None) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("a connection could not be told")
        self.users.append(users)
        self.news.set()


@pytest.fixture
def told() -> Told:
    return Told()


async def _note(sessions: DbSessions, users: list[int] | None) -> None:
    async with writing(sessions) as session:
        await note_changes(session, users, 0)


async def test_changes_by_any_process_are_noticed_and_caches_are_dropped(
    accounts: Accounts, people: People, users: Users, told: Told
) -> None:
    ana = await people.user("ana")
    (token,) = await users.create_tokens(["ana"], 30)
    watcher = ChangeWatcher(accounts, told, seconds=0.01)
    await watcher.start()
    assert await accounts.authenticate(token.secret)
    await users.disable("ana")
    await told.news.wait()
    assert told.users == [{ana}]
    assert await accounts.authenticate(token.secret) is None
    await watcher.stop()


async def test_own_change_is_reported_at_once(accounts: Accounts, people: People, told: Told) -> None:
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    await _note(accounts._sessions, [7])
    watcher.poke()
    await told.news.wait()
    assert told.users == [{7}]
    await watcher.stop()


async def test_changes_before_the_start_are_not_reported(accounts: Accounts, sessions: DbSessions, told: Told) -> None:
    await _note(sessions, [1])
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    await watcher.look()
    assert told.users == []
    await _note(sessions, [2, 3, 2])
    await _note(sessions, [4])
    await watcher.look()
    await watcher.look()
    assert told.users == [{2, 3, 4}]
    await watcher.stop()


async def test_mass_change_or_gap_in_notes_concerns_everybody(
    accounts: Accounts, sessions: DbSessions, told: Told
) -> None:
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    await _note(sessions, None)
    await watcher.look()
    await _note(sessions, list(range(EVERYBODY + 1)))
    await watcher.look()
    await _note(sessions, [1])
    async with writing(sessions) as session:
        await session.execute(delete(Change))
    await _note(sessions, [2])
    await watcher.look()
    assert told.users == [None, None, None]
    await watcher.stop()


async def test_a_transaction_that_is_rolled_back_concerns_nobody(
    accounts: Accounts, sessions: DbSessions, told: Told
) -> None:
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()

    async def fail() -> None:
        async with writing(sessions) as session:
            await note_changes(session, [1], 0)
            raise RuntimeError

    await _note(sessions, [2])
    with pytest.raises(RuntimeError):
        await fail()
    await _note(sessions, [3])
    await watcher.look()
    assert told.users == [{2, 3}]
    await watcher.stop()


async def test_notes_that_were_all_deleted_concern_everybody(
    accounts: Accounts, sessions: DbSessions, told: Told
) -> None:
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    await _note(sessions, [1])
    async with writing(sessions) as session:
        await session.execute(delete(Change))
    await watcher.look()
    assert told.users == [None]
    await watcher.stop()


async def test_school_change_is_reloaded_without_notifying_users(
    accounts: Accounts, sessions: DbSessions, people: People, told: Told
) -> None:
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    assert await accounts.school_name() == ""
    await people.school("Escola do Bairro")
    async with writing(sessions) as session:
        await note_changes(session, [], 0, school=True)
    await watcher.look()
    assert await accounts.school_name() == "Escola do Bairro"
    assert told.users == []
    await watcher.stop()


async def test_failed_notification_is_repeated(
    accounts: Accounts, sessions: DbSessions, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    told.failures = 1
    watcher = ChangeWatcher(accounts, told, seconds=0.01)
    await watcher.start()
    await _note(sessions, [7])
    await told.news.wait()
    await watcher.stop()
    assert told.users == [{7}]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_late_commit_is_not_missed_after_a_later_change(
    accounts: Accounts, sessions: DbSessions, told: Told
) -> None:
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    async with writing(sessions) as slow:
        await note_changes(slow, [1], 0)
        quick = asyncio.create_task(_note(sessions, [2]))
        await asyncio.wait([quick], timeout=0.1)
        await watcher.look()
        assert told.users == []
    await quick
    await watcher.look()
    assert told.users == [{1, 2}]
    await watcher.stop()


async def test_watcher_catches_up_after_database_returns(
    tmp_path: Path, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "data"
    home.mkdir()
    databases = Databases(database_urls(home))
    await databases.upgrade()
    accounts = Accounts(databases.sessions("accounts"))
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    await _note(databases.sessions("accounts"), [7])
    await databases.engine("accounts").dispose()
    away = home.rename(tmp_path / "away")
    for _ in range(2):
        watcher.poke()
        while accounts.changed.is_set() or "is away" not in caplog.text:
            await asyncio.sleep(0.01)
    away.rename(home)
    watcher.poke()
    await told.news.wait()
    await watcher.stop()
    assert told.users == [{7}]
    assert caplog.text.count("The accounts database is away") == 1, "said once, however long it lasts"
    accounts.close()
    await databases.dispose()


async def test_unchanged_file_is_not_asked_again(
    accounts: Accounts, databases: Databases, sessions: DbSessions, told: Told
) -> None:
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    await watcher.look()
    with recorded(databases.engine("accounts"), lambda statement: "change_counter" in statement) as statements:
        await watcher.look()
        await watcher.look()
        assert len(statements) == (0 if databases.engine("accounts").dialect.name == "sqlite" else 2)
    await _note(sessions, [5])
    await watcher.look()
    assert told.users == [{5}]
    await watcher.stop()


async def test_change_that_could_not_be_applied_is_read_again(
    accounts: Accounts, sessions: DbSessions, told: Told
) -> None:
    watcher = ChangeWatcher(accounts, told, seconds=3600)
    await watcher.start()
    await _note(sessions, [5])
    told.failures = 1
    with pytest.raises(RuntimeError):
        await watcher.look()
    await watcher.look()
    assert told.users == [{5}]
    await watcher.stop()
