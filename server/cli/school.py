"""The commands for what holds for the whole school; pages of its office and of its principal set the same."""

from typing import Any

import click
import msgspec

from channels.hours import Hours, Mode, SchoolHours, Span, Spans
from server.accounts.school_hours import get_hours, set_hours
from server.accounts.school_settings import get_settings, set_settings
from server.cli.commands import Commands
from server.cli.hours import NightType, SpansType, shown_hours, shown_quiet_hours
from server.cli.options import data_options, make_settings, option, run
from server.databases import Databases
from server.databases.school_settings import SchoolSettings

# The logo is a picture, which the page takes.
_NAMES = [name for name in SchoolSettings.__struct_fields__ if name != "logo"]


@click.group(cls=Commands, former={"hours": "set-hours", "quiet": "set-quiet-hours"})
def school() -> None:
    """Show and set what holds for the whole school.

    A running server applies each change within a second.
    """


@school.command()
@data_options
def show(**given: Any) -> None:
    """Show the settings of the school, and its hours."""

    async def read(databases: Databases) -> tuple[SchoolSettings, SchoolHours]:
        sessions = databases.sessions("accounts")
        return await get_settings(sessions), await get_hours(sessions)

    found, hours = run(make_settings(**given), read)
    _tell(found)
    _tell_hours(hours)


@school.command("set")
@click.argument("name", type=click.Choice(_NAMES))
@click.argument("value")
@data_options
def set_command(name: str, value: str, **given: Any) -> None:
    """Set one of the settings of the school.

    As in "school set language pt_BR" and "school set keep_messages 24" (months; 0: without end). A right is on or off.
    """

    async def change(databases: Databases) -> SchoolSettings:
        sessions = databases.sessions("accounts")
        wanted = msgspec.structs.replace(await get_settings(sessions), **{name: _value(name, value)})
        await set_settings(sessions, wanted)
        return await get_settings(sessions)

    _tell(run(make_settings(**given), change))


@school.command("set-hours")
@click.argument("spans", nargs=-1, type=SpansType(), metavar="[DAYS=OPENS-CLOSES]...")
@option("--always", "mode", flag_value=Mode.ALWAYS, help="At all hours.")
@option("--lesson", "mode", flag_value=Mode.LESSON, help="While a lesson of their class runs.")
@data_options
def set_hours_command(spans: tuple[list[Span], ...], mode: str | None, **given: Any) -> None:
    """Set when students can write in their classes.

    Give times of the week as in "school set-hours mon-fri=07:00-18:00 sat=08:00-12:00". Outside of them students can
    read, and staff can write. A class for which its staff have set hours of its own keeps them.
    """
    if (mode is None) == (not spans):
        raise click.UsageError("Give either times of the week, or --always or --lesson.")
    wanted = Hours(Mode(mode)) if mode else Hours(Mode.HOURS, tuple(span for each in spans for span in each))
    _set_hours(given, hours=wanted)


@school.command()
@click.argument("hours", required=False, type=NightType(), metavar="[FROM-UNTIL]")
@option("--none", "has_none", is_flag=True, help="No quiet hours.")
@data_options
def set_quiet_hours(hours: Spans | None, has_none: bool, **given: Any) -> None:
    """Set the hours in which announcements wait.

    As in "school set-quiet-hours 20:00-07:00". An announcement that is made in them waits for their end, unless it is
    urgent, and so does what is read in them: until then nobody sees that it was read.
    """
    if has_none == bool(hours):
        raise click.UsageError("Give either the hours or --none.")
    _set_hours(given, quiet=hours or ())


@school.command()
@click.argument("zone")
@data_options
def set_zone(zone: str, **given: Any) -> None:
    """Set the school's time zone.

    As in "school set-zone America/Sao_Paulo". Hours count in it.
    """
    _set_hours(given, zone=zone)


def _set_hours(given: dict[str, Any], **wanted: Any) -> None:
    _tell_hours(run(make_settings(**given), lambda databases: set_hours(databases.sessions("accounts"), **wanted)))


def _value(name: str, text: str) -> str | bool | int:
    default = getattr(SchoolSettings(), name)
    if isinstance(default, int) and not isinstance(default, bool):
        if not (text.isascii() and text.isdigit()):
            raise click.UsageError(f"{name} is a number of months; 0: without end.")
        return int(text)
    if not isinstance(default, bool):
        return text
    if text not in ("on", "off"):
        raise click.UsageError(f"{name} is on or off.")
    return text == "on"


def _tell(found: SchoolSettings) -> None:
    for name, value in msgspec.structs.asdict(found).items():
        click.echo(f"{name}: {('on' if value else 'off') if isinstance(value, bool) else value}")


def _tell_hours(found: SchoolHours) -> None:
    click.echo(f"time zone: {found.zone}")
    click.echo(f"students can write: {shown_hours(found.hours)}")
    click.echo(f"quiet hours: {shown_quiet_hours(found.quiet)}")
