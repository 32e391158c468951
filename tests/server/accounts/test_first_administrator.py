"""The first administrator is made with the code of this start, once."""

import asyncio

import pytest

from server.accounts.accounts import Accounts
from server.accounts.first_administrator import CODE_MS, make_setup_code
from server.accounts.refusals import PasswordRefused, SignInRefused, UserError
from server.accounts.users import Users
from server.databases import DbSessions
from tests.server.conftest import TurnedClock
from tests.server.people import People

PASSWORD = "quatro paredes verdes"


async def make(accounts: Accounts, code: str, login: str = "rosa", password: str = PASSWORD) -> str:
    return await accounts.first.make(code, login, "Rosa", password, "Escola", address="192.0.2.1", device="")


async def test_code_makes_one_administrator_who_is_signed_in(
    accounts: Accounts, sessions: DbSessions, clock: TurnedClock
) -> None:
    assert await accounts.first.is_fresh()
    code = await make_setup_code(sessions, clock)
    member = await accounts.authenticate(await make(accounts, code.lower().replace("-", " ")))
    assert member is not None
    assert (member.login, member.user.role) == ("rosa", "administrator")
    assert await accounts.school_name() == "Escola"
    assert not await accounts.first.is_fresh()
    assert not await accounts.first.is_missing()
    with pytest.raises(SignInRefused):
        await make(accounts, code, "olga")
    assert await make_setup_code(sessions, clock) == ""


async def test_code_used_twice_at_once_makes_one_administrator(
    accounts: Accounts, sessions: DbSessions, clock: TurnedClock
) -> None:
    code = await make_setup_code(sessions, clock)
    done = await asyncio.gather(make(accounts, code, "rosa"), make(accounts, code, "olga"), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["SignInRefused", "str"]


async def test_code_ends_after_an_hour_or_with_a_newer_one(
    accounts: Accounts, sessions: DbSessions, clock: TurnedClock
) -> None:
    first = await make_setup_code(sessions, clock)
    second = await make_setup_code(sessions, clock)
    with pytest.raises(SignInRefused):
        await make(accounts, first)
    clock.turn(CODE_MS)
    with pytest.raises(SignInRefused):
        await make(accounts, second)


async def test_servers_that_start_at_once_leave_one_code_good(
    accounts: Accounts, sessions: DbSessions, clock: TurnedClock
) -> None:
    codes = await asyncio.gather(*(make_setup_code(sessions, clock) for _ in range(8)))
    done = await asyncio.gather(*(make(accounts, code) for code in codes), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["SignInRefused"] * 7 + ["str"]


async def test_refused_form_leaves_the_code_good(
    accounts: Accounts, sessions: DbSessions, clock: TurnedClock, people: People
) -> None:
    await people.user("ana")
    code = await make_setup_code(sessions, clock)
    with pytest.raises(PasswordRefused):
        await make(accounts, code, password="12345678")
    with pytest.raises(UserError):
        await make(accounts, code, "Ana")
    assert await make(accounts, code)


async def test_code_is_void_once_a_command_made_an_administrator(
    accounts: Accounts, sessions: DbSessions, clock: TurnedClock, users: Users
) -> None:
    code = await make_setup_code(sessions, clock)
    await users.create("olga", "Olga", "administrator", PASSWORD)
    with pytest.raises(SignInRefused):
        await make(accounts, code)
