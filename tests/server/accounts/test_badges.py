"""Badges: who gets one, what it gives, and what voids it."""

import pytest

from channels.member import STUDENT
from server.accounts.accounts import Accounts
from server.accounts.refusals import SignInRefused
from server.accounts.users import Users
from server.databases import DbSessions, reading
from server.databases.users import find_user
from tests.server.people import People

OFFICE = 1


@pytest.fixture
async def classroom(people: People, accounts: Accounts) -> int:
    """Fill a class, switch badges on, and return the class's id."""
    await people.school("Escola")
    office = await people.user("secretaria", "administrator")
    assert office == OFFICE
    class_id = await people.classroom(
        "1º A", await people.user("bia"), await people.user("caio"), teacher=await people.user("paula", "teacher")
    )
    await accounts.badges.switch(OFFICE, on=True)
    return class_id


async def badge_of_bia(accounts: Accounts, class_id: int) -> str:
    """Make badges for the class, and return the secret of the first."""
    made = await accounts.badges.make(await accounts.badges.pupils(class_id), OFFICE)
    assert [each.name for each in made] == ["Bia", "Caio"], "students alone"
    return made[0].secret


async def refused(accounts: Accounts, secret: str) -> bool:
    try:
        await accounts.badges.sign_in(secret, "127.0.0.1", "")
    except SignInRefused as error:
        return error.reason == "badge"
    return False


async def test_badge_signs_its_owner_in(accounts: Accounts, classroom: int) -> None:
    badge = await badge_of_bia(accounts, classroom)
    member = await accounts.authenticate(await accounts.badges.sign_in(badge, "127.0.0.1", ""))
    assert member is not None
    assert (member.user.name, member.user.role) == ("Bia", STUDENT)
    assert await refused(accounts, badge[:-1] + "x")
    assert await refused(accounts, "")


async def test_new_badge_voids_the_one_before(accounts: Accounts, classroom: int) -> None:
    old = await badge_of_bia(accounts, classroom)
    signed_in = await accounts.badges.sign_in(old, "127.0.0.1", "")
    new = await badge_of_bia(accounts, classroom)
    assert await refused(accounts, old)
    assert await accounts.authenticate(signed_in) is None, "whoever found the old one is signed out"
    assert await accounts.badges.sign_in(new, "127.0.0.1", "")


async def test_badge_is_not_valid_while_badges_are_off(accounts: Accounts, classroom: int) -> None:
    badge = await badge_of_bia(accounts, classroom)
    await accounts.badges.switch(OFFICE, on=False)
    assert not await accounts.badges.are_on()
    assert await refused(accounts, badge)


async def test_reset_and_disabling_end_a_badge(
    accounts: Accounts, users: Users, sessions: DbSessions, classroom: int
) -> None:
    badge = await badge_of_bia(accounts, classroom)
    await users.disable("bia")
    assert await refused(accounts, badge)
    await users.enable("bia")
    async with reading(sessions) as db:
        bia = await find_user(db, "bia")
    assert bia is not None
    await accounts.office.reset(OFFICE, bia.id)
    assert await refused(accounts, badge)
