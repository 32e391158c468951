"""The office finds people by their names and logins, by role, class and state, a page at a time."""

import pytest

from server.accounts.accounts import Accounts
from server.accounts.users import Users
from server.databases.people import PersonPlace, WantedPeople
from tests.server.people import People

PASSWORD = "quatro paredes verdes"


@pytest.fixture
async def filled(people: People, users: Users) -> int:
    """Fill a school; return the id of its one class."""
    await users.create("paula", "Paula Nogueira", "teacher", PASSWORD)
    alvaro = await people.user("alvaro.d", name="Álvaro Dias")
    await people.user("zeca", name="José Carlos Álvares")
    await people.user("diana", name="Diana Alvarenga")
    return await people.classroom("6º A", alvaro)


async def logins(accounts: Accounts, wanted: WantedPeople, after: PersonPlace | None = None, limit: int = 9) -> str:
    return " ".join([each.account.login for each in await accounts.office.find(wanted, after, limit)])


@pytest.mark.usefixtures("filled")
async def test_people_are_found_by_beginnings_of_words(accounts: Accounts) -> None:
    assert await logins(accounts, WantedPeople()) == "alvaro.d diana zeca paula"
    assert await logins(accounts, WantedPeople("ALVAR")) == "alvaro.d diana zeca"
    assert await logins(accounts, WantedPeople("alvares jose")) == "zeca"
    assert await logins(accounts, WantedPeople("alvaro.d")) == "alvaro.d"
    assert await logins(accounts, WantedPeople("iana")) == ""
    assert await logins(accounts, WantedPeople("%")) == "alvaro.d diana zeca paula"  # no words: everybody


async def test_people_are_found_by_class_role_and_state(accounts: Accounts, users: Users, filled: int) -> None:
    assert await logins(accounts, WantedPeople(class_id=filled)) == "alvaro.d"
    assert await logins(accounts, WantedPeople(role="teacher")) == "paula"
    await accounts.sign_in("paula", PASSWORD, "192.0.2.1")
    await users.disable("diana")
    assert await logins(accounts, WantedPeople(state="never")) == "alvaro.d zeca"
    assert await logins(accounts, WantedPeople(state="disabled")) == "diana"
    assert await logins(accounts, WantedPeople(state="left")) == ""


@pytest.mark.usefixtures("filled")
async def test_list_goes_on_after_the_last_person(accounts: Accounts) -> None:
    first = await accounts.office.find(WantedPeople(), None, 2)
    place = PersonPlace(first[1].account.folded, first[1].account.id)
    assert await logins(accounts, WantedPeople(), place, 2) == "zeca paula"
    assert [each.title for each in first[0].classes] == ["6º A"]
