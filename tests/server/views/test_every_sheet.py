"""Every table that a page offers to a spreadsheet: no cell of it is a formula. A new one is in it without a line."""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from server import views
from server.accounts.accounts import Accounts
from server.accounts.users import Users
from server.spreadsheet import BOM
from server.views.base import Page
from tests.server.people import People
from tests.server.views.conftest import PASSWORD, School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]

# What spreadsheets begin a formula with, also after a blank, and as East Asian keyboards write it.
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
EVIL = ("=HYPERLINK(1)", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "＝1+1", "\t=1")

LOGINS = {"student": "ana", "teacher": "paula", "principal": "diretora", "administrator": "secretaria"}
SHEETS: list[tuple[str, type[Page]]] = [
    (url, page)
    for package in views.PACKAGES
    for url, page in package.handlers
    if "csv" in url and issubclass(page, Page) and not page.public
]


@pytest.fixture
async def evil(school: School, people: People, users: Users, accounts: Accounts) -> School:
    """Fill the school with people and classes whose names are formulas, and the records with what they did."""
    for number, name in enumerate(EVIL):
        pupil = await people.user(f"evil{number}", name=name)
        await people.enrol(pupil, school.mathematics, "student")
        await people.classroom(name, pupil)
        await users.disable(f"evil{number}")
    await accounts.local.sign_in("ana", PASSWORD, "127.0.0.1", device="=1+1")
    return school


def _address(url: str, school: School) -> str:
    path = re.sub(r"\(\[0-9\]\{1,\d+\}\)", str(school.mathematics), url)
    return re.sub(r"\(csv\|[a-z|]+\)", "csv", path).replace("\\", "")


async def test_no_cell_of_any_sheet_is_read_as_a_formula(evil: School, signed_in: SignedIn) -> None:
    assert len(SHEETS) > 3
    for url, page in SHEETS:
        role = page.role.name if page.role is not None else "administrator"
        answer = await (await signed_in(LOGINS[role])).get(_address(url, evil))
        assert answer.status == HTTPStatus.OK, url
        assert answer.text.startswith(BOM), url
        for row in csv.reader(io.StringIO(answer.text.removeprefix(BOM))):
            assert not [cell for cell in row if FORMULA.match(cell)], url


async def test_records_of_people_called_like_formulas_are_in_the_sheet(evil: School, signed_in: SignedIn) -> None:
    sheet = await (await signed_in("secretaria")).get("/audit.csv")
    assert "'=HYPERLINK(1)" in sheet.text
    assert "'@SUM(1)" in sheet.text
