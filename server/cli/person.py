"""The commands on what a school keeps of one person: to give it out, and to erase it by law."""

import os
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import click

from channels.lesson.erasing import WAYS, Way
from server.accounts.identifiers import normal_login
from server.accounts.refusals import UserError
from server.accounts.school_settings import get_settings
from server.cli.commands import Commands
from server.cli.options import data_options, make_settings, option, run
from server.clock import now_ms
from server.databases import Databases, reading, writing
from server.databases.accounts import Account
from server.databases.audit import Record, add_records
from server.databases.outbox import new_key
from server.databases.school import read_hours, read_settings
from server.databases.users import find_user
from server.locale import LANGUAGES, SOURCE
from server.records.erase import Eraser
from server.records.export import archive, export_person
from server.records.export_page import as_page
from server.views.audit.words import words_of_kinds

_GOES = {
    "keep": "Their name becomes “Former pupil”; what they wrote stays under it, and so does their attendance.",
    "unlink": "Their name becomes “Former pupil”, what they wrote stays, and nothing shows which texts are by the same "
    "person. Their votes, attendance and enrolments go.",
    "remove": "All that they wrote goes, wherever it is quoted or was reported, and what staff wrote about them. Their "
    "votes, attendance and enrolments go.",
}


@click.group(cls=Commands)
def person() -> None:
    """Give out or erase what the school keeps of a person.

    It works whether or not the server runs.
    """


@person.command()
@click.argument("login")
@option("--way", type=click.Choice(WAYS), help="What becomes of their texts; without it, what the school has set.")
@option("--yes", is_flag=True, help="Do not ask.")
@data_options
def erase(login: str, way: Way | None, yes: bool, **given: Any) -> None:
    """Erase a person by law: this cannot be undone.

    Their account, sign-ins, former versions of their messages and the marks of what they have read go in any case.
    Open pages follow within a second. It is listed without the name, and applied again when a backup is restored. Take
    the person out of the school's own system first: the next roster with them makes a new account.
    """
    settings = make_settings(**given)
    account, by_setting = run(settings, lambda databases: _found(databases, login))
    wanted = way or by_setting
    click.echo(f"{account.name} ({account.login}, {account.role}) is erased for good. {_GOES[wanted]}")
    if not yes:
        click.confirm("Erase them?", abort=True)
    topics = run(settings, lambda databases: _erase(databases, account.id, wanted))
    click.echo(f"Erased, in {topics} topics. A restore of a backup erases them again.")


@person.command()
@click.argument("login")
@option("--to", type=click.Path(dir_okay=False, path_type=Path), help="The file; without it LOGIN.zip in this folder.")
@data_options
def export(login: str, to: Path | None, **given: Any) -> None:
    """Write all that is kept of a person into a zip.

    It has a page to read, and the same as JSON for programs: what they wrote, their votes, how far they have read,
    their lessons and sign-ins, and who has looked at what concerns them; nobody else's text. That it was made is
    recorded.
    """
    content = run(make_settings(**given), lambda databases: _export(databases, login))
    path = to or Path(f"{normal_login(login)}.zip".replace("/", "_"))
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    click.echo(f"{path} has all that is kept of {login}: give it to nobody else.")


async def _export(databases: Databases, login: str) -> bytes:
    account, _ = await _found(databases, login)
    sessions = databases.sessions("accounts")
    async with writing(databases.sessions("audit")) as db:
        await add_records(db, [Record(new_key(), now_ms(), "person:exported", subject_id=account.id)])
    async with reading(sessions) as db:
        zone, code = ZoneInfo((await read_hours(db)).zone), (await read_settings(db)).language
    language = LANGUAGES.get(code, LANGUAGES[SOURCE])
    made = await export_person(databases, account.id)
    translate = language.locale.translate
    return archive(made, as_page(made, language.tag, zone, translate, words_of_kinds(translate)))


async def _found(databases: Databases, login: str) -> tuple[Account, Way]:
    async with reading(databases.sessions("accounts")) as db:
        account = await find_user(db, normal_login(login))
    if account is None:
        raise UserError(f"There is no user with the login “{login}”.")
    return account, cast(Way, (await get_settings(databases.sessions("accounts"))).erasure)


async def _erase(databases: Databases, user_id: int, way: Way) -> int:
    eraser = Eraser(databases)
    await eraser.begin(user_id, way, by=None)
    return (await eraser.finish(user_id)).topics
