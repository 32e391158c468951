"""The command on the records of the whole school: what has expired."""

from typing import Any

import click

from server.cli.commands import Commands
from server.cli.options import data_options, make_settings, run
from server.records.retention import Retention


@click.group(cls=Commands, former={"hold": "hold set", "holds": "hold list", "lift": "hold lift"})
def records() -> None:
    """Delete what is older than the school keeps it."""


@records.command()
@data_options
def expire(**given: Any) -> None:
    """Delete now what a running server deletes each night.

    That is what is older than the school keeps it; for how long is set by "school set keep_messages 24" (months;
    keep_announcements, keep_polls, keep_attendance, keep_notes, keep_sign_ins, keep_log). What an open report or a
    legal hold is about stays. It works whether or not the server runs.
    """
    deleted = run(make_settings(**given), lambda databases: Retention(databases).run())
    if not deleted:
        click.echo("The school keeps everything without end: nothing was deleted.")
    for name, count in deleted.items():
        click.echo(f"{name}: {count} deleted")
