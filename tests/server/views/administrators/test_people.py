"""The office's list of people, as pages show it."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from tests.server.people import People
from tests.server.views.conftest import HOSTILE
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


@pytest.fixture
async def secretaria(signed_in: SignedIn) -> Visitor:
    """Return the office, signed in."""
    return await signed_in("secretaria")


async def test_office_finds_people_by_name_and_class(secretaria: Visitor, people: People) -> None:
    await people.user("bruno", name=HOSTILE)
    page = await secretaria.get("/administrators/?text=RIB%20ana")
    assert page.has("Ana Ribeiro")
    assert page.has("6º A · Matemática")
    assert not page.has("Paula")
    everybody = await secretaria.get("/administrators/")
    assert everybody.has(HOSTILE)
    assert HOSTILE not in everybody.text
    assert (await secretaria.get("/administrators/?text=ninguem")).has("Nobody was found.")


async def test_list_of_people_goes_on_by_pages(secretaria: Visitor, people: People) -> None:
    for number in range(60):
        await people.user(f"p{number:02}", name=f"Pessoa {number:02}")
    first = await secretaria.get("/administrators/?text=pessoa")
    assert first.has("Pessoa 49")
    assert not first.has("Pessoa 50")
    after = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = await secretaria.get(after)
    assert second.has("Pessoa 50")
    assert second.has("Pessoa 59")
    assert 'rel="next"' not in second.text


@pytest.mark.parametrize("query", ["role=king", "state=new", "after=x"])
async def test_query_that_no_page_sends_is_refused(secretaria: Visitor, query: str) -> None:
    assert (await secretaria.get(f"/administrators/?{query}")).status == HTTPStatus.BAD_REQUEST
