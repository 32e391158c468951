"""The command that prints the protocol of the live classes."""

import json

import click

from server.asyncapi import make_document
from server.cli.options import option
from server.settings import read_origin


@click.command()
@option(
    "--url",
    default="http://localhost:8888",
    show_default=True,
    callback=lambda _context, _option, given: read_origin(given, "--url"),
    help="The school's address for the document, such as https://lousa.school.example.",
)
def protocol(url: str) -> None:
    """Print the protocol of the live classes as an AsyncAPI 3.0 document, in JSON.

    For programs that generate clients or documentation. A running Lousa shows the same at /docs/protocol.
    """
    click.echo(json.dumps(make_document(url), indent=2, ensure_ascii=False))
