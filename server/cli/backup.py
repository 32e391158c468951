"""The commands that make a backup and restore one."""

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
from server.backups.manifest import Manifest
from server.backups.restore import Restored
from server.backups.restore import restore as restore_backup
from server.cli.options import data_options, make_settings, option
from server.databases import Databases
from server.databases.errors import DatabaseError
from server.schemas import SCHEMAS
from server.settings import Settings

# The server and its readers come first, on a machine with few cores.
NICENESS = 10

# Logins that are listed: more than were disabled by hand between two backups.
SHOWN_LOGINS = 50

_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.command()
@_FOLDER
@data_options
def backup(folder: Path, **given: Any) -> None:
    """Make a backup, while the server runs or not.

    The new folder DIR has all databases as they were at one moment, checked, and backup.json, which says what is there.
    Run it as the user who runs Lousa. PostgreSQL is copied with pg_dump, which must be of the server's version. What a
    backup takes: the size of the databases on the disk of DIR, and some minutes for some gigabytes.
    """
    settings = make_settings(**given)
    os.nice(NICENESS)
    with _interruptible("The backup was interrupted: nothing of it is left."):
        made = asyncio.run(make_backup(settings, folder.absolute()))
    click.echo(_told(folder, made))
    asyncio.run(_note(settings, folder.absolute(), made))


@click.command()
@_FOLDER
@option("--yes", is_flag=True, help="Do not ask.")
@data_options
def restore(folder: Path, yes: bool, **given: Any) -> None:
    """Restore a backup, while no server runs.

    DIR is what "backup" has made. Files that are here already are kept in a folder beside them. A database in
    PostgreSQL must be empty: create a new one, and name it with --database. The audit log that is here stays. Clients
    load their classes anew.
    """
    settings = make_settings(**given)
    done = asyncio.run(restore_backup(settings, folder.absolute(), lambda whole: _confirm(folder, whole, yes)))
    click.echo(f"The backup {folder} is restored. {_kept(done)}")
    for line in _back(done):
        click.echo(line)


def _confirm(folder: Path, whole: Manifest, yes: bool) -> None:
    click.echo(f"{folder} is whole. It is of {_time(whole)}, with {whole.moment.events} messages and other events.")
    if not yes:
        click.confirm("Put it in the place of the databases that are here?", abort=True)


def _kept(done: Restored) -> str:
    where = ", ".join(str(path) for path in sorted(done.aside))
    kept = f"What was here is in {where}: delete it when nobody needs it. " if where else ""
    audit = "The audit log is as it was. " if done.keeps_audit else ""
    return f"{kept}{audit}New users begin after id {done.after.user}, new classes after id {done.after.class_}."


def _back(done: Restored) -> Iterator[str]:
    """Say what comes back with the backup, and needs a look."""
    if done.erased:
        yield f"Erased again: {done.erased} persons."
    if done.undone is None:
        yield (
            "Look through the audit log for what was done since: accounts that were disabled, passwords that were "
            "changed and sign-ins that were ended since the backup are as before."
        )
        return
    if done.undone.sign_ins:
        yield f"Ended again: {done.undone.sign_ins} sign-ins."
    if done.undone.enabled:
        more = len(done.undone.enabled) - SHOWN_LOGINS
        yield (
            "These can sign in again: "
            + ", ".join(done.undone.enabled[:SHOWN_LOGINS])
            + (f" and {more} more" if more > 0 else "")
        )
    if done.undone.passwords:
        yield f"{done.undone.passwords} people have the password that they had before."


def _time(whole: Manifest) -> str:
    return whole.made.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _told(folder: Path, made: Made) -> str:
    sizes = ", ".join(f"{name} {_size(copy.bytes)}" for name, copy in made.manifest.databases.items())
    log = f" The journal's write-ahead file had up to {_size(made.log_bytes)} meanwhile." if made.log_bytes else ""
    return f"{folder} is a backup of {_time(made.manifest)}: {sizes}. It took {made.seconds:.1f} s.{log}"


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
