"""The commands on the tokens with which programs connect as a user."""

from collections.abc import Sequence
from typing import Any

import click

from server.accounts.tokens import MAX_DAYS, MAX_LABEL_CHARACTERS, Tokens
from server.accounts.users import Token
from server.cli.commands import Commands
from server.cli.listing import Row, day, json_option, print_list
from server.cli.options import data_options, make_settings, option, run
from server.cli.secret import print_secrets
from server.cli.user import run_users
from server.clock import now_ms
from server.databases import Databases
from server.databases.credentials import TokenRow, new_credential


@click.group(cls=Commands)
def token() -> None:
    """Manage tokens with which programs connect as a user.

    A running server applies each change within a second.
    """


@token.command()
@click.argument("logins", nargs=-1, required=True, metavar="LOGIN...")
@option(
    "--days",
    type=click.IntRange(1, MAX_DAYS),
    default=30,
    show_default=True,
    help="For how many days the tokens are valid.",
)
@option("--label", help="What the tokens are for, as the list of tokens names them.")
@option("--read", "only_reads", is_flag=True, help="The tokens only read: they may push nothing that changes anything.")
@data_options
def create(logins: Sequence[str], days: int, label: str | None, only_reads: bool, **given: Any) -> None:
    """Make a bearer token for each login.

    Prints lines of login, tab, token. Tokens cannot be shown again.
    """
    if label is not None and not 1 <= len(label.strip()) <= MAX_LABEL_CHARACTERS:
        raise click.UsageError(f"A label has 1 to {MAX_LABEL_CHARACTERS} characters.")
    label = label and label.strip()
    run_users(given, lambda users: users.create_tokens(logins, days, _print, label=label, only_reads=only_reads))


def _print(made: Sequence[Token]) -> None:
    print_secrets("".join(f"{each.login}\t{each.secret}\n" for each in made))


@token.command("list")
@json_option
@data_options
def list_command(as_json: bool, **given: Any) -> None:
    """List the tokens that are valid, newest first.

    Number, login, scope (read or write), last use, end, and what each is for.
    """
    print_list(map(_row, run(make_settings(**given), lambda databases: _tokens(databases).all())), as_json=as_json)


def _row(each: TokenRow) -> Row:
    return {
        "number": each.id,
        "login": each.login,
        "scope": "read" if each.only_reads else "write",
        "used": day(each.used_at) if each.used_at else "never",
        "ends": day(each.expires_at),
        "label": each.label,
    }


@token.command()
@click.argument("number", type=click.IntRange(min=1))
@data_options
def revoke(number: int, **given: Any) -> None:
    """Revoke a token, by its NUMBER in the list.

    Its open connections end within a second.
    """
    run(make_settings(**given), lambda databases: _tokens(databases).revoke(None, number))
    click.echo(f"Token {number} is revoked.")


def _tokens(databases: Databases) -> Tokens:
    return Tokens(databases.sessions("accounts"), now_ms, new_credential, lambda _users: None)
