"""Prints lists: a line for each thing, with tabs between its fields, or JSON."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import click

from server.cli.options import option

json_option = option("--json", "as_json", is_flag=True, help="Print a JSON list, for programs.")


Row = Mapping[str, str | int]


def print_list(rows: Iterable[Row], *, as_json: bool) -> None:
    """Print things with the same fields in the same order."""
    if as_json:
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2))
        return
    for row in rows:
        # A reason may have lines: in a list it has one.
        click.echo("\t".join(" ".join(str(value).split()) for value in row.values()))


def day(at: int) -> str:
    """Return the last whole day before this time (ms since 1970), in this machine's time zone."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone().date().isoformat()
