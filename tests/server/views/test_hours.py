"""The page on which the principal sets the hours of the school's classes."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from channels.hours import Hours, Mode, SchoolHours, Span, every_day
from server.accounts.school_hours import get_hours
from server.databases import DbSessions
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]
MONDAYS = {"mode": "hours", "spans": [{"day": 1, "opens": "07:00", "closes": "12:00"}]}


async def test_principal_sets_the_hours_and_the_time_zone(signed_in: SignedIn, sessions: DbSessions) -> None:
    diretora = await signed_in("diretora")
    answer = await diretora.post("/principal/hours", hours=json.dumps(MONDAYS), zone="America/Sao_Paulo")
    assert (answer.status, answer.location) == (HTTPStatus.SEE_OTHER, "/principal/hours?done=1")
    set_now = SchoolHours(Hours(Mode.HOURS, (Span(1, "07:00", "12:00"),)), "America/Sao_Paulo")
    assert await get_hours(sessions) == set_now
    page = await diretora.get("/principal/hours?done=1")
    assert page.has("America/Sao_Paulo")
    assert page.has("Saved.")


async def test_time_zone_that_does_not_exist_is_shown_again(signed_in: SignedIn, sessions: DbSessions) -> None:
    diretora = await signed_in("diretora")
    answer = await diretora.post("/principal/hours", hours=json.dumps(MONDAYS), zone="Braslia")
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.has('value="Braslia"')
    assert (await get_hours(sessions)).hours.mode is Mode.ALWAYS


@pytest.mark.parametrize("hours", ["", "{}", '{"mode": "hours"', '{"mode": "sometimes"}'])
async def test_what_the_page_does_not_send_is_refused(signed_in: SignedIn, hours: str) -> None:
    diretora = await signed_in("diretora")
    assert (await diretora.post("/principal/hours", hours=hours, zone="UTC")).status == HTTPStatus.BAD_REQUEST


async def test_nobody_but_the_principal_sets_the_hours(signed_in: SignedIn) -> None:
    for login in ("ana", "paula"):
        visitor = await signed_in(login)
        assert (await visitor.get("/principal/hours")).status == HTTPStatus.FORBIDDEN


async def test_principal_sets_and_ends_quiet_hours(signed_in: SignedIn, sessions: DbSessions) -> None:
    diretora = await signed_in("diretora")
    form = {"hours": '{"mode": "always"}', "zone": "America/Sao_Paulo"}
    await diretora.post("/principal/hours", **form, quiet_from="20:00", quiet_until="07:00")
    assert (await get_hours(sessions)).quiet == every_day("20:00", "07:00")
    page = await diretora.get("/principal/hours")
    assert page.has('value="20:00"')
    assert page.has('value="07:00"')
    answer = await diretora.post("/principal/hours", **form, quiet_from="20:00", quiet_until="")
    assert answer.status == HTTPStatus.BAD_REQUEST
    await diretora.post("/principal/hours", **form, quiet_from="", quiet_until="")
    assert (await get_hours(sessions)).quiet == ()
