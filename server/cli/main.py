"""The command line: `python server.py` serves; the other commands are an administrator's."""

import os

import click

from server.cli.backup import backup, restore
from server.cli.check import check
from server.cli.database import database
from server.cli.options import Commands
from server.cli.person import person
from server.cli.protocol import protocol
from server.cli.records import records
from server.cli.roster import roster
from server.cli.serve import demo, serve_command
from server.cli.settings import school
from server.cli.shown_settings import settings
from server.cli.users import token, user
from server.version import VERSION


class MainCommands(Commands):
    """Commands; the default is `serve`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command's name before options without a command."""
        if not args or (args[0].startswith("-") and args[0] not in ("--version", *ctx.help_option_names)):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=MainCommands, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="lousa", message="%(prog)s %(version)s")
def main() -> None:
    """Lousa, the live classroom of a school.

    Without a command, Lousa serves: "python server.py" is "python server.py serve". To see it with an invented school,
    try "python server.py demo".

    An option whose help shows an environment variable can be set by it, for all commands at once, or in a settings
    file (--config).
    """
    # Lousa's files contain children's names: only its own user may read them, even in a folder open to others.
    os.umask(0o077)


for each in (
    serve_command,
    demo,
    check,
    roster,
    school,
    user,
    person,
    records,
    token,
    backup,
    restore,
    database,
    settings,
    protocol,
):
    main.add_command(each)
