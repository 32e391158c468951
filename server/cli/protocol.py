"""The command that prints the protocol of the live classes."""

import json

import click

from server.asyncapi import make_document
from server.cli.commands import Commands
from server.cli.options import option
from server.settings import read_origin


@click.group(cls=Commands, default="show")
def protocol() -> None:
    """Show the protocol of the live classes."""


@protocol.command()
@option(
    "--url",
    default="http://localhost:8888",
    show_default=True,
    callback=lambda _context, _option, given: read_origin(given, "--url"),
    help="The school's address for the document, such as https://lousa.school.example.",
)
def show(url: str) -> None:
    """Show the protocol as an AsyncAPI document.

    It is version 3.0, in JSON, for programs that generate clients or documentation. A running Lousa shows the same at
    /docs/protocol.
    """
    click.echo(json.dumps(make_document(url), indent=2, ensure_ascii=False))
