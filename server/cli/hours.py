"""The commands for the hours in which the school's classes are open to their students, and its time zone."""

from typing import Any

import click

from channels.hours import ALWAYS, Hours, Mode, SchoolHours, Span, every_day
from server.accounts.school_hours import get_hours, set_hours
from server.cli.options import Commands, data_options, make_settings, option, run

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Spans(click.ParamType[list[Span]]):
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


@click.group(cls=Commands)
def school() -> None:
    """Set what holds for the whole school; a running server applies each change within a second."""


@school.command()
@click.argument("spans", nargs=-1, type=_Spans())
@option("--always", "mode", flag_value=Mode.ALWAYS, help="Open at all hours.")
@option("--lesson", "mode", flag_value=Mode.LESSON, help="Open while a lesson of the class runs.")
@option("--zone", metavar="NAME", help="The school's time zone, as in America/Sao_Paulo.")
@data_options
def hours(spans: tuple[list[Span], ...], mode: str | None, zone: str | None, **given: Any) -> None:
    """Show or set when students can write in their classes, and the school's time zone.

    Give times of the week as in "school hours mon-fri=07:00-18:00 sat=08:00-12:00". Outside of them students can read,
    and staff can write. A class for which its staff have set hours of its own keeps them.
    """
    if mode is not None and spans:
        raise click.UsageError("Give either times of the week, or --always or --lesson.")
    wanted = Hours(Mode.HOURS, tuple(span for each in spans for span in each)) if spans else None
    if mode is not None:
        wanted = Hours(Mode(mode))
    settings = make_settings(**given)
    if wanted is None and zone is None:
        _tell(run(settings, lambda databases: get_hours(databases.sessions("accounts"))))
    else:
        _tell(run(settings, lambda databases: set_hours(databases.sessions("accounts"), wanted, zone)))


def _tell(found: SchoolHours) -> None:
    click.echo(f"Time zone: {found.zone}")
    if found.hours == ALWAYS:
        click.echo("Students can write at all hours.")
    elif found.hours.mode is Mode.LESSON:
        click.echo("Students can write while a lesson of their class runs.")
    for span in found.hours.spans:
        click.echo(f"  {_DAYS[span.day - 1]} {span.opens}-{span.closes}")


class _Night(click.ParamType[tuple[Span, ...]]):
    """From one time of day to another, over midnight where the second is earlier, as in 20:00-07:00."""

    name = "FROM-UNTIL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Span, ...]:
        """Return the spans of all days of the week."""
        try:
            begins, ends = map(_time, value.split("-"))
        except ValueError:
            self.fail(f"{value} is not written as in 20:00-07:00", param, ctx)
        return every_day(begins, ends)


@school.command()
@click.argument("hours", required=False, type=_Night())
@option("--none", "has_none", is_flag=True, help="No quiet hours.")
@data_options
def quiet(hours: tuple[Span, ...] | None, has_none: bool, **given: Any) -> None:
    """Show or set the school's quiet hours, as in "school quiet 20:00-07:00".

    An announcement that is made in them waits for their end, unless it is urgent, and so does what is read in them:
    until then nobody sees that it was read. They count in the school's time zone, which "school hours --zone" sets.
    """
    if hours and has_none:
        raise click.UsageError("Give either the hours or --none.")
    settings = make_settings(**given)
    wanted = () if has_none else hours
    if wanted is None:
        found = run(settings, lambda databases: get_hours(databases.sessions("accounts")))
    else:
        found = run(settings, lambda databases: set_hours(databases.sessions("accounts"), quiet=wanted))
    click.echo(f"Time zone: {found.zone}")
    click.echo("Quiet hours:" if found.quiet else "There are no quiet hours.")
    for span in found.quiet:
        click.echo(f"  {_DAYS[span.day - 1]} {span.opens}-{span.closes}")
