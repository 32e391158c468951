"""The page of one person, and what its forms do."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from server.accounts.accounts import Accounts
from server.databases import DbSessions, writing
from server.databases.relatives import KeptRelative
from tests.server.views.conftest import PASSWORD, School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


@pytest.fixture
async def secretaria(signed_in: SignedIn) -> Visitor:
    """Return the office, signed in."""
    return await signed_in("secretaria")


async def test_reset_shows_the_code_once_on_a_card(secretaria: Visitor, school: School, signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    page = await secretaria.post(f"/administrators/people/{school.ana}/reset")
    assert page.status == HTTPStatus.OK
    assert page.has("Escola das Araucárias")
    assert page.has("Ana Ribeiro")
    assert page.headers["Cache-Control"] == "no-store"
    code = page.text.split('<dd class="code">')[1].split("<")[0]
    assert (await ana.get("/students/")).location.startswith("/accounts/sign-in")
    person = await secretaria.get(f"/administrators/people/{school.ana}")
    assert person.has("Has a code until")
    assert not person.has(code)
    new = Visitor(school.url)
    fields = {"login": "ana", "code": code, "password": "another secret"}
    assert (await new.post("/accounts/first-sign-in", **fields)).status == HTTPStatus.SEE_OTHER


async def test_page_disables_enables_and_shows_the_history(secretaria: Visitor, school: School) -> None:
    path = f"/administrators/people/{school.ana}"
    assert (await secretaria.post(f"{path}/enabled")).location == f"{path}?done=disabled"
    page = await secretaria.get(path)
    assert page.has("Enable this account")
    assert not page.has("New code to sign in")
    await secretaria.post(f"{path}/enabled", enabled="1")
    await Visitor(school.url).sign_in("ana", PASSWORD)
    page = await secretaria.get(path)
    assert page.has("signed in")
    assert page.has("127.0.0.1")


async def test_page_ends_one_sign_in_and_all(secretaria: Visitor, school: School, signed_in: SignedIn) -> None:
    path = f"/administrators/people/{school.ana}"
    one, other = await signed_in("ana"), await signed_in("ana")
    page = await secretaria.get(path)
    number = page.text.split('name="sign_in" value="')[1].split('"')[0]
    await secretaria.post(f"{path}/sign-ins/end", sign_in=number)
    assert sorted([(await each.get("/students/")).status for each in (one, other)]) == [200, 302]
    await secretaria.post(f"{path}/sign-ins/end", sign_in="all")
    assert {(await each.get("/students/")).status for each in (one, other)} == {302}


async def test_person_is_added_renamed_and_put_into_a_class(secretaria: Visitor) -> None:
    card = await secretaria.post("/administrators/people/new", login="nina", name="Nina", role="student")
    assert card.has("nina")
    path = card.text.split('href="/administrators/people/')[1].split('"')[0]
    person = f"/administrators/people/{path}"
    assert (await secretaria.post(f"{person}/name", name="Nina Prado", role="teacher")).location.endswith("done=saved")
    await secretaria.post(f"{person}/classes", title="9º c · história")
    page = await secretaria.get(person)
    assert page.has("Nina Prado")
    assert page.has("Take out")
    assert (await secretaria.post(f"{person}/classes", title="none")).status == HTTPStatus.UNPROCESSABLE_ENTITY
    taken = await secretaria.post("/administrators/people/new", login="NINA", name="Other", role="student")
    assert taken.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert taken.has("Somebody else has this login")


async def test_own_account_and_nobody_are_refused(secretaria: Visitor, accounts: Accounts) -> None:
    member = await accounts.authenticate(secretaria.cookies["lousa_session"])
    assert member is not None
    own = f"/administrators/people/{member.user.id}"
    assert (await secretaria.get(own)).has("This is you.")
    refused = await secretaria.post(f"{own}/enabled")
    assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refused.has("your own account")
    assert (await secretaria.post("/administrators/people/999/reset")).status == HTTPStatus.NOT_FOUND
    assert (await secretaria.get("/administrators/people/999")).status == HTTPStatus.NOT_FOUND


async def test_office_sees_the_relatives_of_a_student(
    secretaria: Visitor, school: School, sessions: DbSessions
) -> None:
    path = f"/administrators/people/{school.ana}"
    assert not (await secretaria.get(path)).has("Guardians and relatives")
    async with writing(sessions) as db:
        db.add(KeptRelative(user_id=school.ana, sourced_id="x1", name="Rui <Ribeiro>", kind="parent"))
    page = await secretaria.get(path)
    assert page.has("Rui <Ribeiro>")
    assert "Rui <" not in page.text, "text is never markup"
    assert page.has("Parent")


async def test_office_erases_a_person_who_is_named_twice(
    secretaria: Visitor, school: School, sessions: DbSessions
) -> None:
    path = f"/administrators/people/{school.ana}"
    page = await secretaria.get(f"{path}/erase")
    assert page.has("For good, by law.")
    mistyped = await secretaria.post(f"{path}/erase", way="keep", login="bruno")
    assert mistyped.has('value="keep" checked')
    refused = await secretaria.post(f"{path}/erase", way="remove", login="bruno")
    assert (refused.status, refused.has("That is not their login.")) == (HTTPStatus.UNPROCESSABLE_ENTITY, True)
    assert (await secretaria.post(f"{path}/erase", way="remove", login="ana")).location == path
    assert (await secretaria.get(path)).has("Being erased")


async def test_office_gives_out_what_is_kept_of_a_person(secretaria: Visitor, school: School) -> None:
    path = f"/administrators/people/{school.ana}"
    assert (await secretaria.get(path)).has("All that is kept of them")
    sent = await secretaria.get(f"{path}/export")
    assert sent.headers["Content-Type"] == "application/zip"
    assert f'person-{school.ana}.zip"' in sent.headers["Content-Disposition"]
    records = await secretaria.get("/audit")
    assert records.has("gave out all that is kept of a person")
