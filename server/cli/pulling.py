"""The options that say where the roster is pulled from, for the command that pulls it and the server that does so."""

import os
from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

import click

from server.accounts.refusals import UserError
from server.cli.options import option
from server.rosters.provider import KINDS, Access
from server.rosters.pulling import Pulling, is_encrypted, read_hour
from server.settings import SettingsError

Command = Callable[..., Any]

_HELP = {
    "url": "The provider of the school's roster (OneRoster REST 1.1 or 1.2), as in "
    "https://sis.example/ims/oneroster/v1p1. Its secret, or the bearer token, is read from LOUSA_ROSTER_SECRET.",
    "auth": "How the provider of the roster knows us.",
    "key": "The key, or the client's id, at the provider of the roster.",
    "token_url": "Where OAuth 2 gives tokens for the provider of the roster.",
    "hour": "When the server pulls the roster each day, in the school's time zone. Without it, only when the office "
    "asks for it.",
}


def _options(*, required: bool) -> list[Callable[[Command], Command]]:
    return [
        option("--roster-url", required=required, metavar="URL", help=_HELP["url"]),
        option("--roster-auth", required=required, type=click.Choice(KINDS), help=_HELP["auth"]),
        option("--roster-key", default="", metavar="KEY", help=_HELP["key"]),
        option("--roster-token-url", default="", metavar="URL", help=_HELP["token_url"]),
    ]


def access_options(command: Command) -> Command:
    """Add the options of a command that pulls."""
    return _with(_options(required=True), command)


def pulling_options(command: Command) -> Command:
    """Add the options of a server that pulls; `read_pulling` makes its setting of them."""
    return _with([*_options(required=False), option("--roster-hour", metavar="HH:MM", help=_HELP["hour"])], command)


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for each in reversed(options):
        command = each(command)
    return command


def read_pulling(
    roster_url: str | None, roster_auth: Any, roster_key: str, roster_token_url: str, roster_hour: str | None
) -> Pulling | None:
    """Return where the roster is pulled from; None where no address is given. Raise SettingsError."""
    if not roster_url:
        return None
    if not roster_auth:
        raise SettingsError("--roster-url needs --roster-auth: oauth1, oauth2 or bearer.")
    access = read_access(roster_url, roster_auth, roster_key, roster_token_url)
    return Pulling(access, _read_time(roster_hour) if roster_hour else None)


def _read_time(text: str) -> time | None:
    try:
        return read_hour(text.strip())
    except UserError:
        raise SettingsError(f"--roster-hour {text} is no time of day such as 03:30.") from None


def read_access(url: str, kind: Any, key: str, token_url: str) -> Access:
    """Return how to ask the provider; raise SettingsError."""
    secret = os.environ.get("LOUSA_ROSTER_SECRET", "")
    if not secret:
        raise SettingsError("Set LOUSA_ROSTER_SECRET to the secret, or to the bearer token.")
    for each in [url, token_url] if kind == "oauth2" else [url]:
        if not is_encrypted(each):
            raise SettingsError(f"{each or 'The address for tokens'} is no https:// address.")
    return Access(url, kind, key, secret, token_url)
