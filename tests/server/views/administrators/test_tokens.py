"""The page of tokens for programs."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from server.accounts.accounts import Accounts
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]

PATH = "/administrators/programs"


@pytest.fixture
async def secretaria(signed_in: SignedIn) -> Visitor:
    """Return the office, signed in."""
    return await signed_in("secretaria")


async def test_token_is_shown_once_listed_and_revoked(secretaria: Visitor, accounts: Accounts) -> None:
    made = await secretaria.post(PATH, label="Library", login="ana", scope="read", days="30")
    secret = made.text.split('class="token-secret">')[1].split("<")[0]
    assert await accounts.authenticate(secret)
    page = await secretaria.get(PATH)
    assert page.has("Library")
    assert page.has("never used")
    assert secret not in page.text
    number = page.text.split('name="token" value="')[1].split('"')[0]
    assert (await secretaria.post(f"{PATH}/revoke", token=number)).status == HTTPStatus.SEE_OTHER
    assert await accounts.authenticate(secret) is None
    assert (await secretaria.post(f"{PATH}/revoke", token=number)).status == HTTPStatus.NOT_FOUND


async def test_form_says_what_is_wrong_and_keeps_what_was_typed(secretaria: Visitor) -> None:
    refused = await secretaria.post(PATH, label="Library", login="nobody", scope="write", days="30")
    assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refused.has("Nobody with this login may sign in.")
    assert refused.has('value="Library"')
    for wrong in ({"scope": "all", "days": "30"}, {"scope": "read", "days": "99999"}):
        given = {"label": "x", "login": "ana", **wrong}
        assert (await secretaria.post(PATH, **given)).status == HTTPStatus.BAD_REQUEST


async def test_token_that_only_reads_sends_no_form(accounts: Accounts, school: School) -> None:
    made = await accounts.tokens.make(None, "secretaria", "Reader", only_reads=True, days=30)
    reader = Visitor(school.url, cookies={"lousa_session": made.secret})
    assert (await reader.get("/administrators/")).status == HTTPStatus.OK
    refused = await reader.post(f"/administrators/people/{school.ana}/enabled")
    assert refused.status == HTTPStatus.FORBIDDEN


async def test_school_page_shows_the_parts_of_the_server(secretaria: Visitor) -> None:
    page = await secretaria.get("/administrators/school")
    assert page.has("Disk")
    assert page.has("GB free")
    assert page.has("1 process")
    assert page.has("0.1.0")
