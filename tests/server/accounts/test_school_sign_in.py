import asyncio

import pytest
from sqlalchemy import select

from server.accounts.accounts import Accounts
from server.accounts.refusals import SignInRefused
from server.accounts.school_sign_in import Presented, SchoolSignIn
from server.accounts.users import Users
from server.databases import DbSessions, reading
from server.databases.accounts import Account, UserIdentity
from tests.server.people import People

ISSUER = "https://id.escola.example"


@pytest.fixture
def school(accounts: Accounts, sessions: DbSessions) -> SchoolSignIn:
    """Return the sign-in through the school."""
    return SchoolSignIn(accounts, sessions)


def _presented(once: str, subject: str = "1", *names: str) -> Presented:
    return Presented("google", ISSUER, subject, f"session of {subject}", "login", names or ("ana",), once)


async def test_who_signs_in_twice_at_once_is_one_person(
    school: SchoolSignIn, accounts: Accounts, people: People, sessions: DbSessions
) -> None:
    ana = await people.user("ana")
    secrets = await asyncio.gather(*(school.sign_in(_presented(f"{n}"), "127.0.0.1", "Firefox") for n in range(4)))
    for secret in secrets:
        member = await accounts.authenticate(secret)
        assert member is not None
        assert member.user.id == ana
    async with reading(sessions) as db:
        assert len((await db.scalars(select(UserIdentity))).all()) == 1
        assert await db.scalar(select(Account.signed_in_at)) == accounts.clock()


async def test_login_is_found_as_it_is_kept(school: SchoolSignIn, people: People) -> None:
    await people.user("ana.ç@escola.example")
    assert await school.sign_in(_presented("1", "1", "ANA.Ç@Escola.example", "ana.ç"), "", "")


async def test_disabled_person_is_not_linked(school: SchoolSignIn, people: People, users: Users) -> None:
    await people.user("ana")
    await users.disable("ana")
    with pytest.raises(SignInRefused, match="disabled"):
        await school.sign_in(_presented("1"), "", "")
    await users.enable("ana")
    assert await school.sign_in(_presented("2", "2"), "", "")


async def test_logout_ends_the_sign_ins_of_a_session_or_a_subject(
    school: SchoolSignIn, accounts: Accounts, people: People
) -> None:
    await people.user("ana")
    await people.user("bruno")
    ana = await school.sign_in(_presented("1", "1", "ana"), "", "")
    bruno = await school.sign_in(_presented("2", "2", "bruno"), "", "")
    until = accounts.clock() + 1000
    await school.end("https://other.example", "1", "", "a", until)
    await school.end("https://other.example", "", "session of 1", "b", until)
    await school.end(ISSUER, "1", "session of 2", "c", until)
    assert await accounts.authenticate(ana)
    await school.end(ISSUER, "", "session of 1", "d", until)
    assert await accounts.authenticate(ana) is None
    assert await accounts.authenticate(bruno)
    await school.end(ISSUER, "2", "", "e", until)
    assert await accounts.authenticate(bruno) is None
    assert accounts.changed.is_set()
    with pytest.raises(SignInRefused, match="used"):
        await school.end(ISSUER, "2", "", "e", until)
