"""The office's pages of classes."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from tests.server.people import People
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


@pytest.fixture
async def secretaria(signed_in: SignedIn) -> Visitor:
    """Return the office, signed in."""
    return await signed_in("secretaria")


async def test_office_finds_a_class_and_its_people(secretaria: Visitor, school: School) -> None:
    page = await secretaria.get("/administrators/classes?text=mat%206")
    assert page.has("6º A · Matemática")
    assert not page.has("História")
    people = await secretaria.get(f"/administrators/classes/{school.mathematics}")
    assert people.text.index("Paula Nogueira") < people.text.index("Ana Ribeiro")
    assert not people.has("Helena Prado")
    assert (await secretaria.get("/administrators/classes/999")).status == HTTPStatus.NOT_FOUND


async def test_list_of_classes_goes_on_by_pages(secretaria: Visitor, people: People) -> None:
    for number in range(101):
        await people.classroom(f"Turma {number:03}")
    first = await secretaria.get("/administrators/classes?text=turma")
    assert first.has("Turma 099")
    assert not first.has("Turma 100")
    assert (await secretaria.get("/administrators/classes?text=turma&page=1")).has("Turma 100")
    assert (await secretaria.get("/administrators/classes?page=-1")).status == HTTPStatus.BAD_REQUEST
