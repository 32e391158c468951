"""How hours are written at the command line, as in mon-fri=07:00-18:00."""

from typing import Any

import click

from channels.hours import Hours, Mode, Span, Spans, every_day, times_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class SpansType(click.ParamType[list[Span]]):
    """Days and the time from one hour to another, as in mon-fri=07:00-18:00."""

    name = "DAYS=OPENS-CLOSES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Span]:
        """Return a span for each of the days."""
        try:
            days, times = value.split("=")
            opens, closes = times.split("-")
            return [Span(day, _time(opens), _time(closes)) for day in _days(days)]
        except (ValueError, IndexError):
            self.fail(f"{value} is not written as in mon-fri=07:00-18:00", param, ctx)


class NightType(click.ParamType[tuple[Span, ...]]):
    """From one time of day to another, over midnight where the second is earlier, as in 20:00-07:00."""

    name = "FROM-UNTIL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Span, ...]:
        """Return the spans of all days of the week."""
        try:
            begins, ends = map(_time, value.split("-"))
        except ValueError:
            self.fail(f"{value} is not written as in 20:00-07:00", param, ctx)
        return every_day(begins, ends)


def _days(text: str) -> range:
    first, _, last = text.partition("-")
    found = range(_DAYS.index(first) + 1, _DAYS.index(last or first) + 2)
    if not found:
        raise ValueError(text)
    return found


def _time(text: str) -> str:
    hour, minute = text.split(":")
    if not (0 <= int(hour) * 60 + int(minute) <= 24 * 60 and 0 <= int(minute) < 60):
        raise ValueError(text)
    return f"{int(hour):02}:{int(minute):02}"


def shown_hours(hours: Hours) -> str:
    """Return when students can write."""
    if hours.mode is Mode.HOURS:
        return _shown(hours.spans)
    return "while a lesson of their class runs" if hours.mode is Mode.LESSON else "at all hours"


def shown_quiet_hours(quiet: Spans) -> str:
    """Return the school's quiet hours."""
    times = times_of(quiet)
    return "-".join(times) if times else _shown(quiet) or "none"


def _shown(spans: Spans) -> str:
    return " ".join(f"{_DAYS[span.day - 1]}={span.opens}-{span.closes}" for span in spans)
