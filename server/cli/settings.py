"""The commands for what the school's office sets; the pages have the same."""

from typing import Any

import click
import msgspec

from server.accounts.school_settings import get_settings, set_settings
from server.cli.hours import school
from server.cli.options import data_options, make_settings, run
from server.databases import Databases
from server.databases.school_settings import SchoolSettings

__all__ = ["school"]

# The logo is a picture, which the page takes.
_NAMES = [name for name in SchoolSettings.__struct_fields__ if name != "logo"]


@school.command()
@data_options
def show(**given: Any) -> None:
    """Show the settings of the school, as its office has set them."""
    _tell(run(make_settings(**given), lambda databases: get_settings(databases.sessions("accounts"))))


@school.command("set")
@click.argument("name", type=click.Choice(_NAMES))
@click.argument("value")
@data_options
def set_command(name: str, value: str, **given: Any) -> None:
    """Set one of the settings of the school, as in "school set language pt_BR"; a right is on or off."""

    async def change(databases: Databases) -> SchoolSettings:
        sessions = databases.sessions("accounts")
        wanted = msgspec.structs.replace(await get_settings(sessions), **{name: _value(name, value)})
        await set_settings(sessions, wanted)
        return await get_settings(sessions)

    _tell(run(make_settings(**given), change))


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
