"""The history of one class: its messages and who wrote them, today by the hour and the last 30 days by the day.

It is counted from the journal when somebody asks, so that no restart loses it and nothing is counted twice.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from channels.journal.entry import Activity
from channels.journal.journal import Journal
from channels.lesson.chat import SENT
from channels.roles import principal
from server.clock import MINUTE, now_ms
from server.views.base import Page, classroom_for

DAYS = 30

# What is counted together: every time zone's days and hours begin with a quarter of an hour.
QUARTER = 15 * MINUTE


class Line(NamedTuple):
    """A day or an hour: its messages, and by how many people they are."""

    name: str
    messages: int
    people: int


class ClassHistory(Page):
    """The page of a class's history."""

    role = principal.ROLE

    async def get(self, class_id: str) -> None:
        """Show it, by the school's time."""
        classroom = classroom_for(self.member, class_id)
        journal: Journal = self.settings["journal"]
        today = datetime.fromtimestamp(now_ms() / 1_000, self.zone).date()
        first = today - timedelta(days=DAYS - 1)
        since = int(datetime.combine(first, time(), self.zone).timestamp() * 1_000)
        found = await journal.activity(classroom.topic, SENT.name, since, QUARTER)
        days, hours = by_day(found, first, today, self.zone), by_hour(found, today, self.zone)
        await self.show("history.html", page_data=self.page_data(), classroom=classroom, days=days, hours=hours)


def by_day(found: Iterable[Activity], first: date, last: date, zone: ZoneInfo) -> list[Line]:
    """Return every day, the newest first."""
    names = [(last - timedelta(days=back)).isoformat() for back in range((last - first).days + 1)]
    return _lines(found, names, lambda each: _moment(each, zone).date().isoformat())


def by_hour(found: Iterable[Activity], day: date, zone: ZoneInfo) -> list[Line]:
    """Return the hours of a day, from the first to the last that has messages."""
    of_day = [each for each in found if _moment(each, zone).date() == day]
    hours = {_moment(each, zone).hour for each in of_day}
    names = [f"{hour:02}:00" for hour in range(min(hours), max(hours) + 1)] if hours else []
    return _lines(of_day, names, lambda each: f"{_moment(each, zone).hour:02}:00")


def _lines(found: Iterable[Activity], names: list[str], name_of: Callable[[Activity], str]) -> list[Line]:
    messages, people = dict.fromkeys(names, 0), {name: set[int]() for name in names}
    for each in found:
        name = name_of(each)
        if name in messages:  # a clock that is ahead has written in a day to come
            messages[name] += each.count
            people[name].add(each.author_id)
    return [Line(name, messages[name], len(people[name])) for name in names]


def _moment(each: Activity, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(each.slot * QUARTER / 1_000, zone)
