"""The page of the school's settings, and what they do on the pages."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from server.accounts.logo import redraw
from tests.server.accounts.test_logo import picture
from tests.server.people import People
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]

PATH = "/administrators/school/settings"


@pytest.fixture
async def secretaria(signed_in: SignedIn) -> Visitor:
    """Return the office, signed in."""
    return await signed_in("secretaria")


async def test_settings_change_every_page_at_once(secretaria: Visitor, school: School) -> None:
    given = {"name": "Colégio Novo", "language": "pt_BR", "board": "blue", "teachers_reset": "1"}
    assert (await secretaria.post(PATH, **given)).location == f"{PATH}?done=1"
    page = await Visitor(school.url).get("/accounts/sign-in")
    assert page.has("Colégio Novo")
    assert page.has('data-board="blue"')
    assert page.has('lang="pt-BR"')
    chosen = Visitor(school.url, cookies={"lousa_language": "en"})
    assert (await chosen.get("/accounts/sign-in")).has('lang="en"')


async def test_school_may_keep_new_codes_to_the_office(
    secretaria: Visitor, school: School, signed_in: SignedIn
) -> None:
    paula = await signed_in("paula")
    code = f"/teachers/classes/{school.mathematics}/people/{school.ana}/code"
    assert (await paula.get(f"/teachers/classes/{school.mathematics}")).has('"may_reset": true')
    await secretaria.post(PATH, name="", language="", board="green")
    assert (await paula.get(f"/teachers/classes/{school.mathematics}")).has('"may_reset": false')
    assert (await paula.post(code)).status == HTTPStatus.FORBIDDEN
    assert (await secretaria.post(f"/administrators/people/{school.ana}/reset")).status == HTTPStatus.OK


async def test_school_withholds_rights_from_students(secretaria: Visitor, school: School, signed_in: SignedIn) -> None:
    ana, address = await signed_in("ana"), f"/students/classes/{school.mathematics}"
    shown = await secretaria.get(PATH)
    assert shown.text.count("checked") == 5, "each right is given until the school withholds it"
    assert (await ana.get(address)).has('"message:react"')
    given = {"name": "", "language": "", "board": "green", "students_amend": "1", "teachers_reset": "1"}
    assert (await secretaria.post(PATH, **given)).status == HTTPStatus.SEE_OTHER
    page = await ana.get(address)
    assert not page.has('"message:react"')
    assert not page.has('"note:send"')
    assert page.has('"message:edit"')
    assert (await (await signed_in("paula")).get(f"/teachers/classes/{school.mathematics}")).has('"message:react"')


async def test_form_refuses_what_it_does_not_offer(secretaria: Visitor) -> None:
    refused = await secretaria.post(PATH, name="", language="", board="pink")
    assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refused.has("Choose one of the colours.")


async def test_office_sets_the_hours_and_the_time_zone(secretaria: Visitor) -> None:
    path = "/administrators/school/hours"
    assert (await secretaria.get(path)).has(f'action="{path}"')
    saved = await secretaria.post(path, hours='{"mode":"always"}', zone="America/Sao_Paulo")
    assert saved.location == f"{path}?done=1"
    assert (await secretaria.get(path)).has("America/Sao_Paulo")


async def test_logo_is_on_every_page_and_on_cards(secretaria: Visitor, school: School, people: People) -> None:
    path = f"{PATH}/logo"
    assert (await secretaria.put(path, picture())).status == HTTPStatus.OK
    stranger = Visitor(school.url)
    page = await stranger.get("/accounts/sign-in")
    found = re.search(r"/logo/[0-9a-f]{16}\.png", page.text)
    assert found is not None
    shown = await stranger.raw(found[0], "identity")
    assert (shown.code, shown.headers["Content-Type"]) == (HTTPStatus.OK, "image/png")
    assert "immutable" in shown.headers["Cache-Control"]
    assert shown.body == redraw(picture())
    await people.enrol(await people.user("novo"), school.mathematics, "student")
    assert (await secretaria.post(f"/administrators/classes/{school.mathematics}/cards")).has("card-logo")
    await secretaria.post(PATH, name="", language="", board="blue")
    assert (await secretaria.get(PATH)).has(found[0]), "the form of the others leaves it"
    assert (await secretaria.post(f"{path}/remove")).location == f"{PATH}?done=1"
    assert not (await stranger.get("/accounts/sign-in")).has("/logo/")


async def test_file_that_is_no_logo_is_refused_in_words(secretaria: Visitor, signed_in: SignedIn) -> None:
    refused = await secretaria.put(f"{PATH}/logo", b"<svg></svg>")
    assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refused.has("An SVG can hold programs.")
    assert (await (await signed_in("paula")).put(f"{PATH}/logo", picture())).status == HTTPStatus.FORBIDDEN
