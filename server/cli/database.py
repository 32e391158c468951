"""The commands for the tables of the databases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import click

from server.cli.commands import Commands
from server.cli.options import data_options, make_settings
from server.clock import now_ms
from server.databases import Databases, writing
from server.databases.outbox import note_audited
from server.databases.pairing import Ids
from server.process.sole_server import STOP_FIRST, sole_server
from server.schemas import SCHEMAS
from server.settings import Settings


@click.group(cls=Commands, former={"restored": "accept"})
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
def accept(**given: Any) -> None:
    """Accept databases that were put back by hand.

    Run it after databases were put back in another way than by "restore", while no server runs. Clients then load their
    classes anew instead of taking the restored messages for those that they have seen, and new users and classes get
    ids that no message mentions.
    """
    settings = make_settings(**given)
    after = asyncio.run(_accept(settings))
    click.echo(
        "The databases belong together from now on, and the journal has a new name. "
        f"New users begin after id {after.user}, new classes after id {after.class_}."
    )


@database.command()
@data_options
def compact(**given: Any) -> None:
    """Give the free space in SQLite files back to the disk.

    It works while no server runs. Needed once for files of an earlier version, after a large deletion; later ones
    shrink by themselves each night.
    """
    settings = make_settings(**given)
    asyncio.run(_compact(settings))
    click.echo("The databases have no free space in them.")


async def _compact(settings: Settings) -> None:
    databases = Databases(settings.databases, SCHEMAS)
    try:
        async with sole_server(settings, refusal=STOP_FIRST):
            for name in databases.names:
                await databases.compact(name)
    finally:
        await databases.dispose()


async def _accept(settings: Settings) -> Ids:
    async with _alone(settings) as databases:
        await databases.prepare_tables()
        after = await databases.accept()
        await databases.note_history()
        async with writing(databases.sessions("accounts")) as db:
            await note_audited(db, now_ms(), "database:restored")
        return after


async def _upgrade(settings: Settings) -> None:
    async with _alone(settings) as databases:
        await databases.upgrade()


@asynccontextmanager
async def _alone(settings: Settings) -> AsyncIterator[Databases]:
    async with sole_server(settings, refusal=STOP_FIRST):
        databases = Databases(settings.databases, SCHEMAS)
        try:
            yield databases
        finally:
            await databases.dispose()
