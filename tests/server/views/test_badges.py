"""Badges on the pages: the office switches them on, teachers make them for their classes, and one signs in."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from server.accounts.accounts import Accounts
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


async def test_office_switches_badges_on_and_teacher_makes_them(signed_in: SignedIn, school: School) -> None:
    office, paula = await signed_in("secretaria"), await signed_in("paula")
    of_office, of_teacher = (f"/{home}/classes/{school.mathematics}/badges" for home in ("administrators", "teachers"))
    assert (await paula.get(of_teacher)).has("The school's office can switch them on.")
    assert (await paula.post(of_teacher)).status == HTTPStatus.FORBIDDEN
    for somebody in (paula, await signed_in("ana"), await signed_in("diretora")):
        refused = await somebody.post("/administrators/badges", on="1", class_id=str(school.mathematics))
        assert refused.status == HTTPStatus.FORBIDDEN
    switched = await office.post("/administrators/badges", on="1", class_id=str(school.mathematics))
    assert (switched.status, switched.location) == (HTTPStatus.SEE_OTHER, of_office)
    assert (await office.get(of_office)).has("Make 1 badge")
    assert (await paula.post(of_teacher)).has("Ana Ribeiro")
    assert (await paula.post(of_teacher, user=str(school.ana))).text.count('<svg class="qr') <= 1
    assert not (await paula.post(of_teacher, user="999")).has("Ana Ribeiro")
    assert (await paula.post(f"/teachers/classes/{school.history}/badges")).status == HTTPStatus.NOT_FOUND


async def test_badge_signs_in_in_place_of_somebody_else(
    visitor: Visitor, signed_in: SignedIn, accounts: Accounts, school: School
) -> None:
    paula = await signed_in("paula")
    await accounts.badges.switch(1, on=True)
    (made,) = await accounts.badges.make(await accounts.badges.pupils(school.mathematics), 1)
    assert (await visitor.get("/accounts/badge")).has("data-at-once")
    wrong = await visitor.post("/accounts/badge", badge="x")
    assert wrong.status == HTTPStatus.UNAUTHORIZED
    assert wrong.has("This badge does not work")
    assert (await visitor.post("/accounts/badge", badge=made.secret)).status == HTTPStatus.SEE_OTHER
    assert (await visitor.get("/")).location == "/students/"
    page = await paula.get("/accounts/badge")
    assert not page.has("data-at-once"), "a link alone makes nobody somebody else"
    former = dict(paula.cookies)
    await paula.post("/accounts/badge", badge=made.secret)
    assert (await paula.get("/")).location == "/students/"
    left = Visitor(school.url, cookies=former)
    assert re.match("/accounts/sign-in", (await left.get("/")).location), "the former sign-in has ended"
