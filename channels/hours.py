"""When a class is open to its students: always, during its lessons, or at given times of the week.

    Hours(Mode.HOURS, (Span(1, "07:00", "12:30"), …)), "America/Sao_Paulo"  ->  opening  ->  open now? until when?

Times of day are the school's, by its time zone, and follow its changes to and from summer time. A time that a clock
skips counts by the offset before the change, and of a time that comes twice the first counts (RFC 5545, section 3.3.5).
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from channels.field import END, Milliseconds

# Four on each day: what is more is no timetable of a class.
MAX_SPANS = 28

# How far ahead openings are sought: a week has every span once, and a day more for the changes of the clock.
_DAYS = 9

Day = Annotated[int, msgspec.Meta(ge=1, le=7, description="A day of the week; 1 is Monday.", examples=[1])]
TimeOfDay = Annotated[
    str,
    msgspec.Meta(
        pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)" + END,
        description="A time of day at the school; 24:00 is the day's end.",
        examples=["07:30"],
    ),
]


class Mode(StrEnum):
    """When a class is open to its students."""

    ALWAYS = "always"
    LESSON = "lesson"
    HOURS = "hours"


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From one time to another on one day of each week; the first is earlier than the second."""

    day: Day
    opens: TimeOfDay
    closes: TimeOfDay


Spans = Annotated[tuple[Span, ...], msgspec.Meta(max_length=MAX_SPANS)]


class Hours(msgspec.Struct, frozen=True):
    """When a class is open to its students: `always`, while a `lesson` runs, or in the `hours` that `spans` has."""

    mode: Mode
    spans: Spans = ()

    def problem(self) -> str | None:
        """Return what is wrong with them, None where nothing is."""
        if (self.mode is Mode.HOURS) != bool(self.spans):
            return "`spans` go with the mode `hours`, and with no other"
        if any(span.opens >= span.closes for span in self.spans):
            return "a span opens before it closes"
        return None


def every_day(begins: str, ends: str) -> Spans:
    """Return the spans from one time of day to another on every day, over midnight where the second is not later."""
    parts = [(begins, ends)] if begins < ends else [("00:00", ends), (begins, "24:00")]
    return tuple(Span(day, *part) for day in range(1, 8) for part in parts if part[0] < part[1])


def times_of(spans: Spans) -> tuple[str, str] | None:
    """Return the times that `every_day` makes these spans of; None where there are no spans, or others."""
    first = [span for span in spans if span.day == 1]
    if not first:
        return None
    times = (first[-1].opens, first[0].closes.replace("24:00", "00:00"))
    return times if every_day(*times) == spans else None


class Period(NamedTuple):
    """From one time to another (ms since 1970)."""

    begins: int
    ends: int


class SchoolHours(msgspec.Struct, frozen=True):
    """The hours of all classes that have none of their own, and the school's time zone (as in the IANA's table).

    `quiet`: the school's quiet hours, in which announcements wait.
    """

    hours: Hours
    zone: str
    quiet: Spans = ()

    def quiet_period(self, at: int) -> Period | None:
        """Return the period of quiet hours that a time (ms since 1970) lies in, None where it lies in none."""
        return period(self.quiet, self.zone, at) if self.quiet else None


ALWAYS = Hours(Mode.ALWAYS)
# Until a school says otherwise. Times of day mean nothing before it has named its time zone.
NO_SCHOOL_HOURS = SchoolHours(ALWAYS, "UTC")


def is_zone(name: str) -> bool:
    """Tell whether a name is that of a time zone."""
    return name in available_timezones()


class Opening(msgspec.Struct, frozen=True):
    """Whether a time lies in the hours, and the next times at which that changes, in order."""

    is_open: bool
    changes: list[Milliseconds]


def opening(spans: Spans, zone: str, at: int) -> Opening:
    """Return whether spans are open at a time (ms since 1970), and when that changes in the days after."""
    today = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date()
    edges = _edges(spans, zone, today)
    passed = sum(1 for edge in edges if edge <= at)
    return Opening(passed % 2 == 1, list(edges[passed:]))


def period(spans: Spans, zone: str, at: int) -> Period | None:
    """Return the period of these spans that a time lies in; spans that meet at midnight are one. None: it lies in none.

    It ends within the days that are looked at, also where the spans leave no gap in a week.
    """
    found = opening(spans, zone, at)
    if not found.is_open:
        return None
    # A week back: a long weekend began days ago, and must have one beginning on each of its days.
    week_ago = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date() - timedelta(days=7)
    begins = max(edge for edge in _edges(spans, zone, week_ago)[::2] if edge <= at)
    return Period(begins, found.changes[0])


# As many classes as one worker has with hours of their own, on one day; a look into the cache costs 0.3 µs, the sum of
# a week's openings 60.
@lru_cache(maxsize=1_024)
def _edges(spans: Spans, zone: str, today: date) -> tuple[int, ...]:
    """Return the times at which spans open and close in turn, from the day before on."""
    edges: list[int] = []
    for opens, closes in sorted(_openings(spans, ZoneInfo(zone), today - timedelta(days=1))):
        if edges and opens <= edges[-1]:
            edges[-1] = max(edges[-1], closes)
        elif opens < closes:
            edges += (opens, closes)
    return tuple(edges)


def _openings(spans: Spans, zone: ZoneInfo, first: date) -> Iterator[tuple[int, int]]:
    for day in (first + timedelta(days=number) for number in range(_DAYS)):
        for span in spans:
            if span.day == day.isoweekday():
                yield _instant(day, span.opens, zone), _instant(day, span.closes, zone)


def _instant(day: date, at: str, zone: ZoneInfo) -> int:
    if at == "24:00":
        day, at = day + timedelta(days=1), "00:00"
    return round(datetime.combine(day, time.fromisoformat(at), zone).timestamp()) * 1000
