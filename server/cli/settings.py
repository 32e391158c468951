"""The command that shows the settings of the server, and where each comes from."""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from server.cli.commands import Commands
from server.cli.serving import serving_options

# Everything between the user's name and the host, also where a password has an @ in it.
_PASSWORD = re.compile(r"(://[^:/@\s]*):[^\s]*@")
# In a query, as some hosters write it.
_QUERY = re.compile(r"([?&](?:\w+_)?(?:password|passwd|secret|token)=)[^&\s]*", re.IGNORECASE)
# They have no option, so that no list of processes shows them.
_SECRETS = ("LOUSA_ROSTER_SECRET",)
# Options whose whole value is one.
_HIDDEN = ("metrics_token",)


@click.group(cls=Commands)
def settings() -> None:
    """Show the settings of the server."""


@settings.command()
@serving_options
@click.pass_context
def show(context: click.Context, /, **given: Any) -> None:
    """Show all settings, and where each comes from.

    They are printed as a settings file has them, without passwords. Give it the options that the server is given, if
    any.
    """
    options = [each for each in context.command.params if isinstance(each, click.Option) and each.expose_value]
    rows = [_row(option, given[str(option.name)], _source(context, option)) for option in options]
    # A table ends the plain keys of a TOML file.
    for row in sorted(rows, key=lambda row: row.startswith("[")):
        click.echo(row)
    for name in _SECRETS:
        click.echo(f"# {name} is {'set' if os.environ.get(name) else 'not set'}: a secret, from the environment only")


def mask(text: str) -> str:
    """Return an address without its passwords."""
    return _QUERY.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))


def _source(context: click.Context, option: click.Option) -> str:
    source = context.get_parameter_source(str(option.name))
    if source is ParameterSource.COMMANDLINE:
        return "the command line"
    if source is ParameterSource.ENVIRONMENT:
        return str(option.envvar)
    if source is ParameterSource.DEFAULT_MAP:
        return "the settings file"
    return "default"


def _row(option: click.Option, value: Any, source: str) -> str:
    name = option.opts[0].removeprefix("--")
    if option.name == "database" and value:
        return "\n".join([f"[{name}]  # {source}", *_database_rows(value)])
    # TOML has no value for what is not set.
    if value is None or value in ("", ()):
        return f"# {name} is not set"
    return f"{name} = {_toml('***' if option.name in _HIDDEN else value)}  # {source}"


def _database_rows(values: Iterable[str]) -> list[str]:
    pairs = (each.partition("=") for each in values)
    return [f"{name} = {_toml(url)}" for name, _, url in pairs]


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    # A string of JSON is one of TOML.
    return json.dumps(mask(str(value.absolute() if isinstance(value, Path) else value)), ensure_ascii=False)
