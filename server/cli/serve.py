"""The commands that serve a school: a real one, or the demo's."""

import ipaddress
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from channels.hours import NO_SCHOOL_HOURS
from server import rosters
from server.accounts.passwords import Passwords
from server.accounts.refusals import LoginTaken
from server.accounts.school_hours import get_hours, set_hours
from server.accounts.users import Users
from server.application import serve
from server.cli.options import host_option, make_settings, run, server_options
from server.cli.serving import read_serving, serving_options, take_log_style
from server.databases import Databases, reading
from server.databases.directory import belongs_to_another
from server.process.listener import allow_connections
from server.process.log import LogStyle
from server.process.service_manager import READY, notify
from server.process.workers import supervise
from server.settings import Settings, SettingsError
from server.tasks import run_server

DEMO_SCHOOL = Path(rosters.__file__).parent / "demo"
DEMO_PASSWORD = "lousa-demo"  # noqa: S105 (known to everybody, and of invented people)
DEMO_ZONE = "America/Sao_Paulo"
DEMO_USERS = {
    "ana": "a student",
    "bruno": "a student, in ana's classes",
    "paula": "their teacher",
    "diretora": "the principal",
    "secretaria": "the school's office",
}
# Not in the roster: the office is made by hand.
DEMO_OFFICE = ("secretaria", "Rosa Figueira", "administrator")


@click.command("serve")
@serving_options
def serve_command(**given: Any) -> None:
    """Open the school: serve its pages until Ctrl-C.

    This is what Lousa does without a command.
    """
    style = take_log_style(given)
    _open(read_serving(given), style)


@click.command()
@host_option("one of this machine only, because everybody knows the demo's password.")
@server_options
# No environment variable and no --database: variables set for a school's server must not lead the demo into the
# school's data.
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the invented school in this folder. It must be the demo's own.",
)
def demo(data_dir: Path | None, **given: Any) -> None:
    """Open an invented school to try, on this machine only.

    It prints the logins to try. Its data is in a temporary folder and deleted afterwards, unless a data folder is given
    here; the variables LOUSA_DATA_DIR and LOUSA_DATABASE are ignored.
    """
    _check_loopback(given["host"])
    style = take_log_style(given)
    with _kept(data_dir) if data_dir else _thrown_away() as folder:
        settings = make_settings(folder, [], **given)
        run(settings, _found_school)
        _open(settings, style, _who_can_sign_in())


def _who_can_sign_in() -> str:
    width = max(map(len, DEMO_USERS)) + 2
    lines = [f"    {login:<{width}}{who}" for login, who in DEMO_USERS.items()]
    return "\n".join(["", f"Sign in, with the password {DEMO_PASSWORD}, as", *lines])


def _check_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise click.BadOptionUsage(
            "host", "Everybody knows the demo's password: it is open to this machine only. Leave --host out."
        )


@contextmanager
def _kept(folder: Path) -> Iterator[Path]:
    yield folder


@contextmanager
def _thrown_away() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lousa-demo-") as folder:
        yield Path(folder)


async def _found_school(databases: Databases) -> None:
    """Import the demo's school and set the known password for its users; refuse another school's data."""
    sessions, roster = databases.sessions("accounts"), rosters.read(DEMO_SCHOOL)
    async with reading(sessions) as db:
        if await belongs_to_another(db, roster.school.sourced_id):
            raise SettingsError(
                "There is a school already in this data folder, and it is not the demo's. Nothing was changed. "
                "Give the demo a folder of its own, or leave --data-dir out."
            )
    await rosters.apply(sessions, roster)
    if (await get_hours(sessions)).zone == NO_SCHOOL_HOURS.zone:
        await set_hours(sessions, zone=DEMO_ZONE)
    passwords = Passwords()
    try:
        users = Users(sessions, passwords)
        await users.set_one_password(DEMO_PASSWORD)
        with suppress(LoginTaken):  # a demo that was kept
            await users.create(*DEMO_OFFICE, DEMO_PASSWORD)
    finally:
        passwords.close()


def _open(settings: Settings, style: LogStyle, note: str = "") -> None:
    style.apply()
    allow_connections()

    codes: list[str] = []

    def on_open(address: str) -> None:
        many = f", with {settings.workers} workers" if settings.workers > 1 else ""
        first = _first_administrator(address, *codes) if codes else ""
        click.echo(f"Lousa is open at {address}{many}{note}{first}\nStop it with Ctrl-C.")
        notify(READY, f"STATUS=Open at {address}{many}")

    if settings.workers == 1:
        run_server(serve(settings, on_open, codes.append))
    elif not supervise(settings, on_open, style.apply, codes.append):
        raise click.ClickException("Not every worker ended in good order; the log says which.")


def _first_administrator(address: str, code: str) -> str:
    # On the console only, and not in the log: whoever has it becomes the administrator.
    return (
        f"\nNobody runs the school yet. Make the first administrator within an hour, at\n"
        f"    {address}/accounts/first-administrator\nwith the code {code}. After that, start again for a new code."
    )
