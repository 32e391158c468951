"""The roster that is pulled from the school's provider, on the office's pages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import time
from http import HTTPStatus

import pytest

from server.rosters.provider import Access
from server.rosters.pulling import Pulling
from server.rosters.uploads import Uploads
from tests.server.rosters.exports import export_11
from tests.server.rosters.rest_provider import TOKEN, RestProvider
from tests.server.views.administrators.test_roster import of_this_school
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]
ROSTER = "/administrators/roster"


@pytest.fixture
async def provider() -> AsyncIterator[RestProvider]:
    """Return a provider of this school's roster, without the users that the tests of the pages make by hand."""
    files = of_this_school(export_11())
    files["users.csv"] = files["users.csv"].replace(",Ana,,", ",zoe,,").replace(",diretora,,", ",chefe,,")
    provider = RestProvider(files, page=1_000)
    yield provider
    await provider.stop()


@pytest.fixture
def pulling(provider: RestProvider) -> Pulling:
    """Return where the roster is pulled from."""
    return Pulling(Access(f"{provider.url}/v1p1", "bearer", "", TOKEN), time(3, 30))


async def test_office_pulls_and_sees_what_would_change(signed_in: SignedIn, uploads: Uploads) -> None:
    office = await signed_in("secretaria")
    page = await office.get(ROSTER)
    assert page.has("Fetch from the school's system")
    assert page.has("127.0.0.1")
    assert page.has("next: ")
    begun = await office.post(f"{ROSTER}/pull")
    assert begun.status == HTTPStatus.SEE_OTHER
    assert (await office.post(f"{ROSTER}/pull")).has("It is being fetched already.")
    await uploads.apart.finished()
    assert (await office.get(begun.location)).has("What would change")
    page = await office.get(ROSTER)
    assert page.has("See what the school's system would change")
    assert page.has("waits for you")
    assert (await office.get("/administrators/school")).has("Roster from the school's system")
    assert not page.has(TOKEN)


@pytest.mark.parametrize("pulling", [None])
async def test_office_sets_where_the_roster_comes_from_and_tries_it(
    signed_in: SignedIn, uploads: Uploads, provider: RestProvider
) -> None:
    office = await signed_in("secretaria")
    assert (await office.get(ROSTER)).has("Fetch it from the school's system each night")
    fields = {"url": f"{provider.url}/v1p1", "kind": "bearer", "hour": "03:30"}
    assert (await office.post(f"{ROSTER}/provider", **fields)).has("Give the secret.")
    page = await office.post(f"{ROSTER}/provider", **fields, secret=TOKEN)
    assert page.has("Saved, and it works.")
    assert page.has("5 people came on the first page.")
    assert page.fields["hour"] == "03:30"
    assert not page.has(TOKEN)
    page = await office.post(f"{ROSTER}/provider", **{**fields, "hour": ""})
    assert page.has("it works"), "the secret is kept"
    assert not (await office.get(ROSTER)).has("next: ")
    begun = await office.post(f"{ROSTER}/pull")
    await uploads.apart.finished()
    assert (await office.get(begun.location)).has("What would change")
    assert (await office.get("/audit?kind=school")).has("Where the roster is fetched from was set")
    await office.post(f"{ROSTER}/provider/remove")
    assert not (await office.get(ROSTER)).has("Fetch from the school's system")


@pytest.mark.parametrize("pulling", [None])
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "http://sis.example/v1p1"}, "must begin with https://"),
        ({"url": "https://sis.example/v1p1", "secret": ""}, "For another address it is needed again."),
        ({"kind": "oauth2", "key": "lousa", "token_url": ""}, "The address for tokens must begin with https://."),
        ({"kind": "oauth1"}, "The key, or the client's ID, is missing."),
        ({"hour": "25:00"}, "The hour is a time of day"),
        ({"secret": "another"}, "Saved, but it does not work yet."),
    ],
)
async def test_office_is_told_what_is_wrong_with_a_provider(
    signed_in: SignedIn, provider: RestProvider, changed: dict[str, str], words: str
) -> None:
    office = await signed_in("secretaria")
    fields = {"url": f"{provider.url}/v1p1", "kind": "bearer", "secret": TOKEN}
    await office.post(f"{ROSTER}/provider", **fields)
    assert (await office.post(f"{ROSTER}/provider", **{**fields, **changed})).has(words)


async def test_what_the_servers_options_say_cannot_be_changed_in_the_browser(signed_in: SignedIn) -> None:
    page = await (await signed_in("secretaria")).get(f"{ROSTER}/provider")
    assert page.has("This was set when the server was started")
    assert not page.has("Save and try it")


async def test_failed_pull_is_reported_with_the_servers_health(
    signed_in: SignedIn, uploads: Uploads, provider: RestProvider
) -> None:
    office = await signed_in("secretaria")
    assert (await office.get("/administrators/school")).has("not fetched yet")
    provider.lists["users"] = []
    await office.post(f"{ROSTER}/pull")
    await uploads.apart.finished()
    page = await office.get("/administrators/school")
    assert page.has("refused; see “Roster”")
    assert page.has("Something is not working.")
