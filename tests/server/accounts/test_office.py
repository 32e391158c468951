"""What the office does with accounts: finding people, and changing what concerns one of them."""

import asyncio

import pytest

from server.accounts.accounts import Accounts
from server.accounts.identifiers import CODE_DAYS
from server.accounts.refusals import SignInRefused, UserError
from server.accounts.users import Users
from server.clock import DAY
from server.databases import DbSessions, reading
from server.databases.outbox import audited_accounts
from server.databases.people import PersonPlace, WantedPeople
from tests.server.conftest import TurnedClock
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
    await accounts.local.sign_in("paula", PASSWORD, "192.0.2.1")
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


@pytest.fixture
async def rosa(users: Users, people: People) -> int:
    """Make the office; return her id."""
    await users.create("rosa", "Rosa", "administrator", PASSWORD)
    return await people.user("other-office", "administrator")


async def id_of(accounts: Accounts, login: str) -> int:
    found = await accounts.office.find(WantedPeople(login), None, 9)
    return found[0].account.id


async def test_reset_ends_sign_ins_and_its_code_signs_in_once(
    accounts: Accounts, users: Users, rosa: int, clock: TurnedClock
) -> None:
    await users.create("ana", "Ana", "student", PASSWORD)
    secret = await accounts.local.sign_in("ana", PASSWORD, "192.0.2.1")
    made = await accounts.office.reset(rosa, await id_of(accounts, "ana"))
    assert (made.login, made.expires_at) == ("ana", clock() + CODE_DAYS * DAY)
    assert await accounts.authenticate(secret) is None
    with pytest.raises(SignInRefused):
        await accounts.local.sign_in("ana", PASSWORD, "192.0.2.1")
    assert await accounts.local.redeem_code("ana", made.code, "another secret", "192.0.2.1")
    with pytest.raises(SignInRefused):
        await accounts.local.redeem_code("ana", made.code, "a third secret", "192.0.2.1")


async def test_last_administrator_can_be_locked_out_by_nobody(accounts: Accounts, users: Users, rosa: int) -> None:
    own = await id_of(accounts, "rosa")  # the other has never signed in
    for work in (accounts.office.disable, accounts.office.reset):
        with pytest.raises(UserError, match="last administrator"):
            await work(rosa, own)
    with pytest.raises(UserError, match="last administrator"):
        await accounts.office.set_role(rosa, own, "teacher")
    with pytest.raises(UserError, match="last administrator"):
        await users.disable("rosa")
    assert await accounts.local.sign_in("rosa", PASSWORD, "192.0.2.1")


@pytest.mark.usefixtures("rosa")
async def test_two_administrators_cannot_lock_out_each_other(accounts: Accounts, users: Users) -> None:
    await users.create("olga", "Olga", "administrator", PASSWORD)
    rosa, olga = await id_of(accounts, "rosa"), await id_of(accounts, "olga")
    done = await asyncio.gather(
        accounts.office.disable(rosa, olga), accounts.office.disable(olga, rosa), return_exceptions=True
    )
    assert [type(each) for each in done if each] == [UserError]


async def test_nobody_resets_or_disables_themselves(accounts: Accounts, rosa: int) -> None:
    for work in (accounts.office.reset, accounts.office.disable):
        with pytest.raises(UserError) as refused:
            await work(rosa, rosa)
        assert refused.value.reason == "own"


async def test_disabled_person_signs_in_again_once_enabled(accounts: Accounts, users: Users, rosa: int) -> None:
    await users.create("ana", "Ana", "student", PASSWORD)
    ana = await id_of(accounts, "ana")
    secret = await accounts.local.sign_in("ana", PASSWORD, "192.0.2.1")
    await accounts.office.disable(rosa, ana)
    assert await accounts.authenticate(secret) is None
    with pytest.raises(UserError):
        await accounts.office.reset(rosa, ana)
    await accounts.office.enable(rosa, ana)
    assert await accounts.local.sign_in("ana", PASSWORD, "192.0.2.1")


async def test_person_made_by_hand_is_renamed_and_changes_role(accounts: Accounts, rosa: int, people: People) -> None:
    made, _ = await accounts.office.create(rosa, "Nina", "Nina Prado", "student")
    with pytest.raises(UserError) as refused:
        await accounts.office.create(rosa, "nina", "Another", "student")
    assert refused.value.reason == "taken"
    room = await people.classroom("7º B")
    await accounts.office.enrol(rosa, made, room)
    await accounts.office.rename(rosa, made, "Nina Álvares")
    await accounts.office.set_role(rosa, made, "teacher")
    (found,) = await accounts.office.find(WantedPeople("alvares"), None, 9)
    assert (found.account.role, [each[1:] for each in found.classes]) == ("teacher", [("7º B", "teacher", True)])
    await accounts.office.unenrol(rosa, made, room)
    person = await accounts.office.person(made)
    assert person is not None
    assert person.classes == []


async def test_what_the_roster_says_is_not_changed_by_hand(accounts: Accounts, rosa: int, people: People) -> None:
    zeca = await people.user("zeca")
    for work in (accounts.office.rename(rosa, zeca, "Zé"), accounts.office.set_role(rosa, zeca, "teacher")):
        with pytest.raises(UserError) as refused:
            await work
        assert refused.value.reason == "roster"


async def test_changes_are_noted_with_who_did_them(accounts: Accounts, rosa: int, sessions: DbSessions) -> None:
    made, _ = await accounts.office.create(rosa, "nina", "Nina Prado", "student")
    await accounts.office.reset(rosa, made)
    await accounts.office.disable(rosa, made)
    async with reading(sessions) as db:
        noted = list((await audited_accounts(db, 99)).values())[-3:]
    assert [each.kind for each in noted] == ["user:created", "code:made", "user:disabled"]
    assert {(each.user_id, each.subject_id) for each in noted} == {(rosa, made)}
    assert "code" not in noted[1].detail
