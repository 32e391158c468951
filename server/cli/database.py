"""The commands for the tables of the databases."""

import asyncio
from typing import Any

import click

from server.cli.options import Commands, data_options, make_settings
from server.clock import now_ms
from server.databases import Databases, writing
from server.databases.outbox import note_audited
from server.databases.pairing import Ids
from server.process.sole_server import STOP_FIRST, sole_server
from server.schemas import SCHEMAS
from server.settings import Settings


@click.group(cls=Commands)
def database() -> None:
    """Maintain the databases."""


@database.command()
@data_options
def upgrade(**given: Any) -> None:
    """Upgrade the tables to this version of Lousa.

    Needed for PostgreSQL, once before the first start and after each update of Lousa, while no server runs; make a
    backup first. Files in the data folder are upgraded whenever Lousa starts.
    """
    settings = make_settings(**given)
    asyncio.run(_upgrade(settings))
    click.echo("The databases are up to date.")


@database.command()
@data_options
def restored(**given: Any) -> None:
    """Accept restored databases.

    Run it after every restore of a backup, while no server runs. Clients then load their classes anew instead of
    taking the restored messages for those that they have seen, and new users and classes get ids that no message
    mentions.
    """
    settings = make_settings(**given)
    after = asyncio.run(_accept(settings))
    click.echo(
        "The databases belong together from now on, and the journal has a new name. "
        f"New users begin after id {after.user}, new classes after id {after.class_}."
    )


async def _accept(settings: Settings) -> Ids:
    databases = Databases(settings.databases, SCHEMAS)
    try:
        async with sole_server(settings, refusal=STOP_FIRST):
            await databases.prepare_tables()
            after = await databases.accept()
            async with writing(databases.sessions("accounts")) as db:
                await note_audited(db, now_ms(), "database:restored")
            return after
    finally:
        await databases.dispose()


async def _upgrade(settings: Settings) -> None:
    databases = Databases(settings.databases, SCHEMAS)
    try:
        async with sole_server(settings, refusal=STOP_FIRST):
            await databases.upgrade()
    finally:
        await databases.dispose()
