"""The page of a class's history: counted from the journal, by the school's days."""

from collections.abc import Awaitable, Callable
from datetime import date
from http import HTTPStatus
from zoneinfo import ZoneInfo

from channels.journal.entry import Activity, Entry
from channels.journal.journal import Journal
from channels.lesson.chat import SENT
from server.clock import DAY, now_ms
from server.views.principal.history import QUARTER, by_day, by_hour
from tests.channels.journal.support import append
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
MIDNIGHT = 1_795_662_000_000 // QUARTER  # 2026-11-26T00:00 in São Paulo


def message(topic: str, author: int, at: int) -> Entry:
    return Entry(topic, SENT.name, b'{"text":"x"}', author, None, at)


def test_days_are_those_of_the_school() -> None:
    found = [Activity(MIDNIGHT - 1, 1, 5), Activity(MIDNIGHT, 1, 2), Activity(MIDNIGHT + 1, 2, 1)]
    lines = by_day(found, date(2026, 11, 24), date(2026, 11, 26), SAO_PAULO)
    assert lines == [("2026-11-26", 3, 2), ("2026-11-25", 5, 1), ("2026-11-24", 0, 0)]


def test_hours_of_a_day_reach_from_the_first_message_to_the_last() -> None:
    found = [Activity(MIDNIGHT - 1, 1, 5), Activity(MIDNIGHT + 29, 1, 2), Activity(MIDNIGHT + 37, 2, 1)]
    lines = by_hour(found, date(2026, 11, 26), SAO_PAULO)
    assert lines == [("07:00", 2, 1), ("08:00", 0, 0), ("09:00", 1, 1)]
    assert by_hour(found, date(2026, 11, 27), SAO_PAULO) == []


async def test_principal_alone_sees_the_history_of_a_class(
    signed_in: SignedIn, journal: Journal, school: School
) -> None:
    topic, path = f"class:{school.mathematics}", f"classes/{school.mathematics}/history"
    old = now_ms() - 31 * DAY
    await append(journal, *(message(topic, 1, at) for at in (old, now_ms(), now_ms())))
    page = await (await signed_in("diretora")).get(f"/principal/{path}")
    assert page.has('<progress max="2" value="2"')
    for login, home in (("ana", "students"), ("paula", "teachers")):
        visitor = await signed_in(login)
        assert (await visitor.get(f"/{home}/{path}")).status == HTTPStatus.NOT_FOUND
        assert (await visitor.get(f"/principal/{path}")).status == HTTPStatus.FORBIDDEN
