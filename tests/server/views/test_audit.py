"""The page of the audit log, and its CSV."""

from collections.abc import Awaitable, Callable

import pytest

from channels.member import User
from server.audit.audit import Audit
from server.databases import Databases
from server.views.audit.audit import PAGE_RECORDS
from tests.server.conftest import TurnedClock
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]
PAULA = User(2, "Paula Nogueira", "teacher")


@pytest.fixture
def audit(databases: Databases, clock: TurnedClock) -> Audit:
    """Return the log that the pages show."""
    return Audit(databases, clock)


async def test_only_roles_that_may_read_the_log_open_it(signed_in: SignedIn, visitor: Visitor) -> None:
    assert (await (await signed_in("diretora")).get("/audit")).status == 200
    for address in ("/audit", "/audit.csv"):
        assert (await (await signed_in("paula")).get(address)).status == 403
        assert (await visitor.get(address)).status == 302


async def test_menu_leads_the_principal_to_the_records(signed_in: SignedIn) -> None:
    assert 'href="/audit"' in (await (await signed_in("diretora")).get("/principal/")).text
    assert 'href="/audit"' not in (await (await signed_in("paula")).get("/teachers/")).text


async def test_record_says_who_did_what_to_whom_and_where(signed_in: SignedIn, school: School, audit: Audit) -> None:
    topic = f"class:{school.mathematics}"
    await audit.record("message:original", PAULA, topic=topic, target=4, subject_id=school.ana)
    page = await (await signed_in("diretora")).get("/audit?kind=reading")
    for words in ("Paula Nogueira", "read the former text of a message", "Ana Ribeiro", "6º A · Matemática"):
        assert page.has(words)
    assert f"/principal/classes/{school.mathematics}#seq=4" in page.text
    assert not page.has("signed in")


async def test_sign_ins_and_password_changes_are_recorded(signed_in: SignedIn, visitor: Visitor) -> None:
    await visitor.sign_in("ana", "errada")
    page = await (await signed_in("diretora")).get("/audit?kind=sign-ins")
    assert page.has("A sign-in was refused")
    assert page.has("signed in")
    assert (await (await signed_in("diretora")).get("/audit?person=paula&kind=sign-ins")).has("Nothing of this kind")


async def test_log_is_read_page_by_page(signed_in: SignedIn, audit: Audit, clock: TurnedClock) -> None:
    diretora = await signed_in("diretora")
    for number in range(PAGE_RECORDS + 1):
        await audit.record("message:hidden", PAULA, target=number + 1, detail={"reason": f"motivo {number}."})
        clock.turn(1)
    first = await diretora.get("/audit?kind=moderation")
    assert first.has(f"motivo {PAGE_RECORDS}.")
    assert not first.has("motivo 0.")
    older = first.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert (await diretora.get(f"/audit{older}")).has("motivo 0.")


async def test_csv_is_safe_in_a_spreadsheet_and_recorded(signed_in: SignedIn, audit: Audit) -> None:
    await audit.record("message:hidden", PAULA, target=1, detail={"reason": "=1+1"})
    diretora = await signed_in("diretora")
    sheet = await diretora.get("/audit.csv?kind=moderation")
    assert sheet.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert sheet.text.startswith("\ufeffTime (UTC),Kind,Person")
    assert "Moderation,Paula Nogueira,hid a message,,,'=1+1\r\n" in sheet.text
    assert (await diretora.get("/audit?kind=reading")).has("exported these records")


@pytest.mark.parametrize("query", ["since=31.12.", "until=x", "before=x", "before=1-x"])
async def test_address_that_means_nothing_is_refused(signed_in: SignedIn, query: str) -> None:
    assert (await (await signed_in("diretora")).get(f"/audit?{query}")).status == 400


async def test_days_limit_what_is_shown(signed_in: SignedIn, audit: Audit, clock: TurnedClock) -> None:
    await audit.record("message:hidden", PAULA, target=1, detail={"reason": "motivo"})
    diretora = await signed_in("diretora")
    assert (await diretora.get("/audit?since=2027-01-01&until=2027-02-01")).has("motivo")
    assert not (await diretora.get("/audit?since=2027-02-01")).has("motivo")
    assert not (await diretora.get("/audit?until=2027-01-01")).has("motivo")


async def test_times_are_the_schools_or_else_the_readers(signed_in: SignedIn, audit: Audit) -> None:
    await audit.record("message:hidden", PAULA, target=1)
    diretora = await signed_in("diretora")
    assert (await diretora.get("/audit?zone=Asia/Tokyo")).has("1/15/27, 5:00\u202fPM")
    assert "Time (Asia/Tokyo)" in (await diretora.get("/audit.csv?zone=Asia/Tokyo")).text
    assert (await diretora.get("/audit?zone=Nowhere")).status == 400
    await diretora.post("/principal/hours", hours='{"mode": "always"}', zone="America/Sao_Paulo")
    page = await diretora.get("/audit?zone=Asia/Tokyo")
    assert page.has("1/15/27, 5:00\u202fAM")
    assert "data-zone" not in page.text
