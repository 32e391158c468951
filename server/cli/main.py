"""The command line: `python server.py` serves; the other commands are an administrator's."""

import os

import click

from server.cli.backup import backup, restore
from server.cli.check import check
from server.cli.commands import Commands
from server.cli.database import database
from server.cli.hold import hold
from server.cli.person import person
from server.cli.protocol import protocol
from server.cli.records import records
from server.cli.roster import roster
from server.cli.school import school
from server.cli.serve import demo, serve_command
from server.cli.settings import settings
from server.cli.token import token
from server.cli.user import user
from server.version import VERSION


@click.group(
    cls=Commands,
    default="serve",
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="lousa", message="%(prog)s %(version)s")
def main() -> None:
    """Lousa, the live classroom of a school.

    Without a command, Lousa serves: "python server.py" is "python server.py serve". To see it with an invented school,
    try "python server.py demo". Each group of commands is a thing, and its commands say what to do with it:
    "python server.py user --help" lists those on users.

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
    hold,
    records,
    token,
    backup,
    restore,
    database,
    settings,
    protocol,
):
    main.add_command(each)
