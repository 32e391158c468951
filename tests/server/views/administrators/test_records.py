"""The page of how long the school keeps what, and of legal holds."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from server.accounts.accounts import Accounts
from server.views.administrators.records import RECORDS
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


async def test_months_are_set_and_told_on_the_privacy_page(
    school: School, signed_in: SignedIn, accounts: Accounts
) -> None:
    office = await signed_in("secretaria")
    assert (await Visitor(school.url).get("/privacy")).has("Sign-ins, with device and internet address: 6 months")
    refused = await office.post(RECORDS, erasure="keep", messages="999")
    assert (refused.status, refused.has("Write months as a number")) == (HTTPStatus.UNPROCESSABLE_ENTITY, True)
    assert (await office.post(RECORDS, erasure="keep", messages="24")).status == HTTPStatus.SEE_OTHER
    page = await Visitor(school.url).get("/privacy")
    assert page.has("Messages: 24 months, then it is deleted.")
    assert not page.has("Sign-ins, with device")
    await office.post(RECORDS, erasure="keep")
    assert (await Visitor(school.url).get("/privacy")).has("Lousa deletes nothing by itself")


async def test_hold_is_set_and_lifted_on_the_page(school: School, signed_in: SignedIn) -> None:
    office = await signed_in("secretaria")
    await office.post(f"{RECORDS}/holds", kind="person", whom="ana", reason="Processo 12")
    page = await office.get(RECORDS)
    assert page.has("Processo 12")
    held = await office.post(f"/administrators/people/{school.ana}/erase", way="remove", login="ana")
    assert held.has("A legal hold on them")
    number = page.text.split('name="hold" value="')[1].split('"')[0]
    await office.post(f"{RECORDS}/holds/lift", hold=number)
    assert (await office.get(RECORDS)).has("There is none.")
