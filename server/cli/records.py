"""The commands on the records of the whole school: what has expired, and what a legal hold keeps."""

from datetime import UTC, datetime
from typing import Any

import click

from server.cli.options import Commands, data_options, make_settings, option, run
from server.databases import Databases
from server.records.hold import Holds
from server.records.retention import Retention


@click.group(cls=Commands)
def records() -> None:
    """Delete what is older than the school keeps it, and set legal holds; it works whether or not the server runs."""


@records.command()
@data_options
def expire(**given: Any) -> None:
    """Delete now what a running server deletes each night: what is older than the school keeps it.

    For how long is set by “school set keep_messages 24” (months; keep_announcements, keep_polls, keep_attendance,
    keep_notes, keep_sign_ins, keep_log). What an open report or a legal hold is about stays.
    """
    deleted = run(make_settings(**given), lambda databases: Retention(databases).run())
    if not deleted:
        click.echo("The school keeps everything without end: nothing was deleted.")
    for name, count in deleted.items():
        click.echo(f"{name}: {count} deleted")


@records.command()
@click.argument("whom")
@option("--class", "is_class", is_flag=True, help="WHOM is the title of a class, not a login.")
@option("--reason", required=True, help="Why, as in the number of the case; shown to the office while it holds.")
@data_options
def hold(whom: str, is_class: bool, reason: str, **given: Any) -> None:
    """Set a legal hold on a person (by login) or a class: nothing of theirs is erased or expires until it is lifted."""

    async def work(databases: Databases) -> int:
        holds = Holds(databases)
        return await (holds.on_class if is_class else holds.on_person)(whom, reason, None)

    click.echo(f"Hold {run(make_settings(**given), work)} is set on {whom}.")


@records.command()
@click.argument("number", type=int)
@data_options
def lift(number: int, **given: Any) -> None:
    """Lift a legal hold, by its number."""
    run(make_settings(**given), lambda databases: Holds(databases).lift(number, None))
    click.echo(f"Hold {number} is lifted.")


@records.command()
@data_options
def holds(**given: Any) -> None:
    """List the legal holds."""
    for each in run(make_settings(**given), lambda databases: Holds(databases).all()):
        day = datetime.fromtimestamp(each.at / 1000, UTC).date()
        click.echo(f"{each.id}: {each.name}, since {day}: {each.reason}")
