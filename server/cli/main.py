"""The command line: `python server.py` serves; everything an administrator does is a command beside it."""

import os

import click

from server.cli.options import Commands
from server.cli.protocol import protocol
from server.cli.school import database, roster
from server.cli.serve import demo, serve_command
from server.cli.users import token, user


class MainCommands(Commands):
    """Commands of which `serve` is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command's name before options that come without one."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=MainCommands, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
def main() -> None:
    """Lousa, the live classroom of a school.

    Without a command, Lousa serves: "python server.py" is "python server.py serve". To see it with an invented school,
    try "python server.py demo".

    Every option that is shown with a variable can be set by that instead, for all commands at once.
    """
    # There are children's names in what Lousa writes: for its own user only, also in a folder that others may open.
    os.umask(0o077)


for each in (serve_command, demo, roster, user, token, database, protocol):
    main.add_command(each)
