"""The history of the whole school: today by the hour, the last 30 days by the day, and the classes with most messages.

It is counted from the journal when somebody asks, so that no restart loses it and nothing is counted twice; a day at a
time, so that each query stays short in a large school.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from channels.journal.entry import Census
from channels.journal.journal import Journal
from channels.lesson.chat import SENT
from channels.lesson.lessons import STARTED
from channels.member import Classroom
from channels.roles import principal
from channels.topics.kind import class_topic
from server.clock import HOUR, now_ms
from server.views.base import Page
from server.views.principal.history import DAYS

# Classes with most messages: a screen of a phone. The dashboard finds any other.
MOST = 12


class Line(NamedTuple):
    """A day or an hour of the school: its messages, by how many people they are, and the lessons that began."""

    name: str
    messages: int
    people: int
    lessons: int


class ClassLine(NamedTuple):
    """A class, with its messages and lessons of all days."""

    classroom: Classroom
    messages: int
    lessons: int


class SchoolHistory(Page):
    """The page of the school's history."""

    role = principal.ROLE

    async def get(self) -> None:
        """Show it, by the school's time."""
        journal: Journal = self.settings["journal"]
        today = datetime.fromtimestamp(now_ms() / 1_000, self.zone).date()
        messages, lessons = Counter[str](), Counter[str]()
        days = []
        for back in range(DAYS):
            since, until = bounds(today - timedelta(days=back), self.zone)
            said, begun = [Counter(await journal.by_topic(each, since, until)) for each in (SENT.name, STARTED.name)]
            messages.update(said)
            lessons.update(begun)
            people = sum(each.authors for each in await journal.census(SENT.name, since, until, until - since))
            days.append(Line(f"{today - timedelta(days=back)}", said.total(), people, begun.total()))
        most = busiest(self.member.classes, messages, lessons)
        told = {"hours": await self._hours(journal, today), "days": days, "most": most}
        await self.show("school_history.html", page_data=self.page_data(), **told)

    async def _hours(self, journal: Journal, day: date) -> list[Line]:
        since, until = bounds(day, self.zone)
        messages, lessons = [await journal.census(each, since, until, HOUR) for each in (SENT.name, STARTED.name)]
        return by_hour(messages, lessons, since, self.zone)


def bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return when a day begins and ends (ms); where clocks change, it is longer or shorter than others."""
    begins, ends = (datetime.combine(each, time(), zone).timestamp() for each in (day, day + timedelta(days=1)))
    return int(begins * 1_000), int(ends * 1_000)


def by_hour(messages: list[Census], lessons: list[Census], since: int, zone: ZoneInfo) -> list[Line]:
    """Return the hours of a day that began at `since`, from the first to the last in which something was."""
    said, begun = {each.part: each for each in messages}, {each.part: each.count for each in lessons}
    parts = said.keys() | begun.keys()
    hours = range(min(parts), max(parts) + 1) if parts else ()
    nothing = Census(0, 0, 0)
    return [
        Line(
            datetime.fromtimestamp((since + hour * HOUR) / 1_000, zone).strftime("%H:%M"),
            said.get(hour, nothing).count,
            said.get(hour, nothing).authors,
            begun.get(hour, 0),
        )
        for hour in hours
    ]


def busiest(classes: Mapping[int, Classroom], messages: Counter[str], lessons: Counter[str]) -> list[ClassLine]:
    """Return the classes of the school with most messages, in this order."""
    lines = [
        ClassLine(each, messages[class_topic(each.id)], lessons[class_topic(each.id)]) for each in classes.values()
    ]
    lines.sort(key=lambda line: (-line.messages, -line.lessons, line.classroom.title))
    return [line for line in lines[:MOST] if line.messages or line.lessons]
