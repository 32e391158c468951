"""The commands on single users: their accounts and one-time codes."""

import csv
import io
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from channels.roles import ROLES
from server.accounts.identifiers import CODE_DAYS
from server.accounts.passwords import Passwords
from server.accounts.users import Code, Users
from server.cards.card import FIRST_SIGN_IN, cards_of
from server.cards.sheet import sheet_of
from server.cli.commands import Commands
from server.cli.listing import Row, day, json_option, print_list
from server.cli.options import data_options, make_settings, option, run
from server.cli.secret import print_secrets
from server.databases import Databases, reading
from server.databases.accounts import Account
from server.databases.directory import read_school_name
from server.databases.people import STATES, WantedPeople
from server.databases.school import read_hours
from server.locale import LANGUAGES, Language
from server.settings import read_origin
from server.spreadsheet import as_text

R = TypeVar("R")

password_option = option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of the standard input, instead of asking for it.",
)


class _Title(click.types.StringParamType):
    """A class title, which may contain blanks."""

    envvar_list_splitter = ";"


@click.group(cls=Commands, former={"password": "set-password", "codes": "create-codes"})
def user() -> None:
    """Manage single accounts, and make one-time codes.

    A running server applies each change within a second.
    """


@user.command()
@click.argument("login")
@option("--role", type=click.Choice([role.name for role in ROLES]), required=True, help="What kind of user this is.")
@option("--name", required=True, help="The name as others see it.")
@password_option
@data_options
def create(login: str, role: str, name: str, password_stdin: bool, **given: Any) -> None:
    """Make an account by hand, for a person in no roster.

    Imports do not change it. As in "user create secretaria --role administrator --name 'Rosa Figueira'".
    """
    password = _read_password(password_stdin)
    run_users(given, lambda users: users.create(login, name, role, password))
    click.echo(f"{login} can sign in.")


@user.command("list")
@click.argument("text", default="")
@option("--role", type=click.Choice([role.name for role in ROLES]), help="Only users of this kind.")
@option("--class", "title", default="", metavar="TITLE", help="Only people of this class, by its title.")
@option(
    "--state",
    type=click.Choice(STATES),
    help="Only those who never signed in, whose account is disabled, or who have left the roster.",
)
@json_option
@data_options
def list_command(text: str, role: str | None, title: str, state: str | None, as_json: bool, **given: Any) -> None:
    """List users by name: login, name, role, state, last sign-in.

    TEXT: those whose name or login has words that begin so.
    """
    wanted = WantedPeople(text=text, role=role or "", state=state or "")

    async def read(users: Users) -> list[Row]:
        return [_row(each) async for people in users.pages(wanted, title=title) for each in people]

    print_list(run_users(given, read), as_json=as_json)


def _row(account: Account) -> Row:
    return {
        "login": account.login,
        "name": account.name,
        "role": account.role,
        "state": _state(account),
        "last_sign_in": _last_sign_in(account),
    }


def _state(account: Account) -> str:
    if not account.enabled:
        return "disabled"
    return "active" if account.active else "left"


def _last_sign_in(account: Account) -> str:
    if account.signed_in_at is None:
        return "never"
    # Before the time was noted.
    return day(account.signed_in_at) if account.signed_in_at else "unknown"


@user.command()
@click.argument("login")
@click.argument("name")
@data_options
def rename(login: str, name: str, **given: Any) -> None:
    """Give a user another name.

    The roster gives the names of the people who are in it.
    """
    run_users(given, lambda users: users.rename(login, name))
    click.echo(f"{login} is now called {name}.")


@user.command()
@click.argument("login")
@data_options
def disable(login: str, **given: Any) -> None:
    """Disable an account.

    Its user is signed out everywhere, and its tokens end. What they wrote stays.
    """
    run_users(given, lambda users: users.disable(login))
    click.echo(f"{login} is disabled, and signed out everywhere.")


@user.command()
@click.argument("login")
@data_options
def enable(login: str, **given: Any) -> None:
    """Enable an account that was disabled."""
    run_users(given, lambda users: users.enable(login))
    click.echo(f"{login} can sign in again.")


@user.command()
@click.argument("login")
@data_options
def unlink(login: str, **given: Any) -> None:
    """Forget a user's accounts at the school's providers.

    It ends the user's sign-ins in browsers. Needed where the school gave somebody another account there. The next one
    that the provider names by this login is the user's.
    """
    forgotten = run_users(given, lambda users: users.forget_identities(login))
    click.echo(f"{login} had {forgotten} accounts at providers: forgotten." if forgotten else f"{login} had none.")


@user.command()
@click.argument("login")
@password_option
@data_options
def set_password(login: str, password_stdin: bool, **given: Any) -> None:
    """Set a user's password.

    Sign-ins made with the old password end; tokens stay valid.
    """
    new = _read_password(password_stdin)
    run_users(given, lambda users: users.set_password(login, new))
    click.echo(f"{login} has a new password.")


@user.command(
    help=f"""Make one-time codes for those who have no password.

    It prints a sheet (CSV): "user create-codes --class '6º A · Matemática' > codes.csv" puts it into a file. The sheet
    covers all classes, or those named; a user in several classes is on the sheet once, under the first. At the
    first sign-in, users enter their login and code and choose a password. A code is valid once, for {CODE_DAYS} days. A
    new sheet invalidates the earlier unused codes of everybody on it: hand out only the newest. Anyone who holds a code
    can sign in as that user.
    """
)
@option(
    "--class",
    "titles",
    type=_Title(),
    multiple=True,
    metavar="TITLE",
    help="A class, by its title; may be repeated. In the variable, separate titles with semicolons.",
)
@option("--role", type=click.Choice(["student", "teacher"]), help="Only for class members with this role.")
@option(
    "--login",
    "logins",
    multiple=True,
    metavar="LOGIN",
    help="A user by login, such as an imported principal, who is in no class; may be repeated. Without --class, only "
    "these users get codes.",
)
@option(
    "--cards",
    metavar="URL",
    help="Print cards with QR codes instead, as a page to open and print in a browser. Give the address of the "
    "school's Lousa, such as https://lousa.escola.br.",
)
@option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    default=next(iter(LANGUAGES)),
    show_default=True,
    help="The language of the cards.",
)
@data_options
def create_codes(
    titles: Sequence[str], role: str | None, logins: Sequence[str], cards: str | None, language: str, **given: Any
) -> None:
    """Make one-time codes."""
    origin = None if cards is None else read_origin(cards, "--cards")

    async def make(users: Users, databases: Databases) -> None:
        hand_over = _print_sheet
        if origin is not None:
            school, zone = await _school(databases)
            hand_over = partial(_print_cards, origin=origin, school=school, zone=zone, language=LANGUAGES[language])
        await users.make_codes(*titles, role=role, logins=logins, hand_over=hand_over)

    _run_with(given, make)


def run_users(given: dict[str, Any], work: Callable[[Users], Awaitable[R]]) -> R:
    """Run a function with the users, in databases that are ready for use."""
    return _run_with(given, lambda users, _: work(users))


def _run_with(given: dict[str, Any], work: Callable[[Users, Databases], Awaitable[R]]) -> R:
    async def with_users(databases: Databases) -> R:
        passwords = Passwords()
        try:
            return await work(Users(databases.sessions("accounts"), passwords), databases)
        finally:
            passwords.close()

    return run(make_settings(**given), with_users)


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return _read_line()
    if not sys.stdin.isatty():
        raise click.UsageError("There is nobody to ask for the password: pipe it in, with --password-stdin.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _read_line() -> str:
    # Read as bytes: the password must not depend on the terminal's locale.
    line = sys.stdin.buffer.readline().rstrip(b"\r\n")
    if not line:
        raise click.UsageError("No password came: the first line of the standard input is empty.")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError("The password that came is not in UTF-8.") from error


def _print_sheet(sheet: Sequence[Code]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "name", "login", "code", "expires"])
    for line in sheet:
        cells = [as_text(cell) for cell in (line.classroom, line.name, line.login)]
        writer.writerow([*cells, line.code, day(line.expires_at)])
    print_secrets(text.getvalue(), is_sheet=True)


async def _school(databases: Databases) -> tuple[str, ZoneInfo]:
    async with reading(databases.sessions("accounts")) as db:
        return await read_school_name(db), ZoneInfo((await read_hours(db)).zone)


def _print_cards(sheet: list[Code], *, origin: str, school: str, zone: ZoneInfo, language: Language) -> None:
    address = f"{origin.partition('://')[2]}{FIRST_SIGN_IN}"
    print_secrets(sheet_of(cards_of(sheet, origin, zone), school, address, language))
