"""Cards of a class: who may make them, for whom, and that each making voids the one before."""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from server.accounts.accounts import Accounts
from server.accounts.refusals import SignInRefused
from server.spreadsheet import BOM
from tests.server.people import People
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]

_CODE = re.compile(r'card-login">(\w+)</p>.*?card-code">([0-9A-Z ]+)</p>', re.DOTALL)


async def cards_made(visitor: Visitor, path: str) -> dict[str, str]:
    """Return the codes on the cards that somebody makes, by login."""
    answer = await visitor.post(path)
    assert answer.status == HTTPStatus.OK
    assert answer.headers["Cache-Control"] == "no-store", "nobody keeps the codes"
    return dict(_CODE.findall(answer.text))


@pytest.fixture
async def newcomers(people: People, school: School) -> str:
    """Put a pupil and a teacher who have no password into a class; return the path of its cards in the office."""
    await people.enrol(await people.user("novo"), school.mathematics, "student")
    await people.enrol(await people.user("nova", "teacher"), school.mathematics, "teacher")
    return f"/administrators/classes/{school.mathematics}/cards"


async def test_office_makes_cards_for_those_without_a_password(
    signed_in: SignedIn, accounts: Accounts, newcomers: str
) -> None:
    office = await signed_in("secretaria")
    needed = await office.get("/administrators/cards")
    assert needed.has("6º A · Matemática")
    assert needed.has("2 people without a password")
    assert not needed.has("9º C")
    assert not (await office.get("/administrators/cards?text=historia")).has("6º A · Matemática")
    assert (await office.get("/administrators/cards?text=matematica")).has("6º A · Matemática")
    assert (await office.get(newcomers)).has("Make 2 cards")
    old = await cards_made(office, newcomers)
    assert old.keys() == {"novo", "nova"}
    new = await cards_made(office, newcomers)
    with pytest.raises(SignInRefused):
        await accounts.local.redeem_code("novo", old["novo"], "três palavras verdes", "127.0.0.1")
    assert await accounts.local.redeem_code("novo", new["novo"], "três palavras verdes", "127.0.0.1")
    assert (await cards_made(office, newcomers)).keys() == {"nova"}


async def test_teacher_makes_cards_of_pupils_of_their_classes_alone(
    signed_in: SignedIn, school: School, newcomers: str
) -> None:
    paula = await signed_in("paula")
    assert (await cards_made(paula, f"/teachers/classes/{school.mathematics}/cards")).keys() == {"novo"}
    assert (await paula.post(f"/teachers/classes/{school.history}/cards")).status == HTTPStatus.NOT_FOUND
    for login in ("ana", "paula", "diretora"):
        somebody = await signed_in(login)
        for path in ("/administrators/cards", newcomers):
            assert (await somebody.get(path)).status == HTTPStatus.FORBIDDEN
        assert (await somebody.post(newcomers)).status == HTTPStatus.FORBIDDEN


async def test_address_of_a_card_is_left_behind_where_somebody_is_signed_in(signed_in: SignedIn) -> None:
    answer = await (await signed_in("ana")).get("/accounts/first-sign-in?next=/students/")
    assert answer.location == "/students/#", "a browser keeps the fragment, and the code, where there is none"


async def test_codes_come_as_a_table_without_formulas(
    signed_in: SignedIn, accounts: Accounts, people: People, school: School
) -> None:
    await people.enrol(await people.user("novo", name="=HYPERLINK(1)"), school.mathematics, "student")
    path = f"/administrators/classes/{school.mathematics}/cards"
    sheet = await (await signed_in("secretaria")).post(path, **{"as": "csv"})
    assert (sheet.headers["Content-Type"], sheet.headers["Cache-Control"]) == ("text/csv; charset=utf-8", "no-store")
    assert sheet.text.startswith(BOM)
    header, row = csv.reader(io.StringIO(sheet.text.removeprefix(BOM)))
    assert header == ["Class", "Name", "Login", "One-time code", "Valid until"]
    assert row[:3] == ["6º A · Matemática", "'=HYPERLINK(1)", "novo"]
    assert await accounts.local.redeem_code("novo", row[3], "três palavras verdes", "127.0.0.1")
