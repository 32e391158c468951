"""The page of the school's history: counted from the journal over all classes, by the school's days."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from http import HTTPStatus
from zoneinfo import ZoneInfo

from channels.journal.entry import Census, Entry
from channels.journal.journal import Journal
from channels.lesson.chat import SENT
from channels.lesson.lessons import STARTED
from channels.member import Classroom
from server.clock import DAY, HOUR, now_ms
from server.views.principal.school_history import MOST, bounds, busiest, by_hour
from tests.channels.journal.support import append
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]
BERLIN = ZoneInfo("Europe/Berlin")


def event(kind: str, topic: str, author: int, at: int) -> Entry:
    return Entry(topic, kind, b'{"text":"x"}', author, None, at)


def test_day_is_longer_or_shorter_where_clocks_change() -> None:
    lengths = [(ends - begins) // HOUR for begins, ends in (bounds(date(2026, 3, day), BERLIN) for day in (28, 29))]
    assert lengths == [24, 23]


def test_hours_are_those_of_the_clock_where_it_changes() -> None:
    since, _ = bounds(date(2026, 3, 29), BERLIN)
    lines = by_hour([Census(1, 4, 2), Census(3, 1, 1)], [Census(3, 2, 1)], since, BERLIN)
    assert lines == [("01:00", 4, 2, 0), ("03:00", 0, 0, 0), ("04:00", 1, 1, 2)]
    assert by_hour([], [], since, BERLIN) == []


def test_classes_with_most_messages_come_first() -> None:
    classes = {number: Classroom(number, f"{number}º A", 30) for number in range(1, MOST + 3)}
    messages = Counter({f"class:{number}": number for number in classes} | {"class:999": 5})
    lines = busiest(classes, messages, Counter({"class:1": 3}))
    assert [line.classroom.id for line in lines] == [*range(MOST + 2, 2, -1)]
    assert busiest(classes, Counter(), Counter({"class:1": 3})) == [(classes[1], 0, 3)]


async def test_principal_alone_sees_the_history_of_the_school(
    signed_in: SignedIn, journal: Journal, school: School
) -> None:
    one, other, now = f"class:{school.mathematics}", f"class:{school.history}", now_ms()
    said = [event(SENT.name, topic, 1, at) for topic, at in ((one, now - 31 * DAY), (one, now), (other, now))]
    await append(journal, *said, event(SENT.name, one, 2, now), event(STARTED.name, other, 2, now))
    page = await (await signed_in("diretora")).get("/principal/history")
    assert page.has("</progress></span></td><td>2</td><td>1</td>"), "both people, and the lesson"
    assert page.has('<progress max="3" value="3"'), "of today in both classes"
    assert page.has(f'href="/principal/classes/{school.mathematics}/history"')
    for login in ("ana", "paula"):
        assert (await (await signed_in(login)).get("/principal/history")).status == HTTPStatus.FORBIDDEN
