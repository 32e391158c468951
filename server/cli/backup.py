"""The command that makes a backup."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from server.backups.backup import Made, make_backup
from server.backups.last import note_backup
from server.cli.options import data_options, make_settings
from server.databases import Databases
from server.databases.errors import DatabaseError
from server.schemas import SCHEMAS
from server.settings import Settings

# The server and its readers come first, on a machine with few cores.
NICENESS = 10

_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.command()
@_FOLDER
@data_options
def backup(folder: Path, **given: Any) -> None:
    """Make a backup in the new folder DIR, while the server runs or not.

    It has all databases as they were at one moment, checked, and backup.json, which says what is there. Run it as the
    user who runs Lousa. PostgreSQL is copied with pg_dump, which must be of the server's version. What a backup takes:
    the size of the databases on the disk of DIR, and some minutes for some gigabytes.
    """
    settings = make_settings(**given)
    os.nice(NICENESS)
    with _interruptible("The backup was interrupted: nothing of it is left."):
        made = asyncio.run(make_backup(settings, folder.absolute()))
    click.echo(_told(folder, made))
    asyncio.run(_note(settings, folder.absolute(), made))


def _told(folder: Path, made: Made) -> str:
    sizes = ", ".join(f"{name} {_size(copy.bytes)}" for name, copy in made.manifest.databases.items())
    at = made.manifest.made.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    log = f" The journal's write-ahead file had up to {_size(made.log_bytes)} meanwhile." if made.log_bytes else ""
    return f"{folder} is a backup of {at}: {sizes}. It took {made.seconds:.1f} s.{log}"


def _size(bytes_: int) -> str:
    return f"{bytes_ / 1e9:.2f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:.1f} MB"


async def _note(settings: Settings, folder: Path, made: Made) -> None:
    databases = Databases(settings.databases, SCHEMAS)
    try:
        await note_backup(databases, folder, made.manifest.bytes)
    except (DatabaseError, SQLAlchemyError) as error:  # tables of an older version, say
        click.echo(f"The backup is good, but could not be noted in the audit log: {error}", err=True)
    finally:
        await databases.dispose()


@contextmanager
def _interruptible(said: str) -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end the block at once, in good order."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, _interrupt) for each in signals}
    try:
        yield
    except KeyboardInterrupt:
        raise click.ClickException(said) from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
