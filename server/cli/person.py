"""The commands on what a school keeps of one person: to give it out, and to erase it by law."""

from typing import Any, cast

import click

from channels.lesson.erasing import WAYS, Way
from server.accounts.identifiers import normal_login
from server.accounts.refusals import UserError
from server.accounts.school_settings import get_settings
from server.cli.options import Commands, data_options, make_settings, option, run
from server.databases import Databases, reading
from server.databases.accounts import Account
from server.databases.users import find_user
from server.records.erase import Eraser

_GOES = {
    "keep": "Their name becomes “Former pupil”; what they wrote stays under it, and so does their attendance.",
    "unlink": "Their name becomes “Former pupil”, what they wrote stays, and nothing shows which texts are by the same "
    "person. Their votes, attendance and enrolments go.",
    "remove": "All that they wrote goes, wherever it is quoted or was reported, and what staff wrote about them. Their "
    "votes, attendance and enrolments go.",
}


@click.group(cls=Commands)
def person() -> None:
    """Give out or erase what the school keeps of a person; it works whether or not the server runs."""


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
    click.echo(f"Erased: in {topics} classes and other places. A restore of a backup erases them again.")


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
