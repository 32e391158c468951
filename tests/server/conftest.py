"""Fixtures of the server's tests: the accounts' SQL sessions, and a clock that only tests advance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.accounts.accounts import Accounts
from server.accounts.passwords import Passwords
from server.accounts.users import Users
from server.databases import Databases, DbSessions
from tests.redis import RedisServer
from tests.server.people import People
from tests.statements import recorded


@pytest.fixture
def sessions(databases: Databases) -> DbSessions:
    """Return the sessions of the `accounts` database."""
    return databases.sessions("accounts")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


class TurnedClock:
    """A clock that stands still until a test advances it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        """Return the time, ms since 1970."""
        return self.now

    def turn(self, ms: int) -> None:
        """Advance the clock by this time."""
        self.now += ms


@pytest.fixture
def clock() -> TurnedClock:
    """Return a clock that tests advance."""
    return TurnedClock()


@pytest.fixture
def people(sessions: DbSessions) -> People:
    """Return a helper that adds people and classes."""
    return People(sessions)


def quick_passwords() -> Passwords:
    """Return a password hasher whose hashes take a thousandth of the usual time."""
    return Passwords(memory_kib=8, passes=1)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Return a quick password hasher."""
    passwords = quick_passwords()
    yield passwords
    passwords.close()


@pytest.fixture
def users(sessions: DbSessions, passwords: Passwords, clock: TurnedClock) -> Users:
    """Return the administrator's commands."""
    return Users(sessions, passwords, clock)


@pytest.fixture
def accounts(sessions: DbSessions, clock: TurnedClock) -> Iterator[Accounts]:
    """Return the accounts of a running server."""
    accounts = Accounts(sessions, clock, passwords=quick_passwords())
    yield accounts
    accounts.close()


@pytest.fixture
def queries(databases: Databases) -> Iterator[list[str]]:
    """Yield a list that records every later statement on the `accounts` database."""
    with recorded(databases.engine("accounts")) as statements:
        yield statements
