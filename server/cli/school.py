"""The commands for the whole school: its roster, and the tables of its databases."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from server import rosters
from server.cli.options import Commands, data_options, make_settings, option, run
from server.clock import now_ms
from server.databases import Databases, writing
from server.databases.outbox import note_audited
from server.databases.pairing import Ids
from server.process.sole_server import STOP_FIRST, sole_server
from server.rosters.compare import Counts
from server.rosters.export import Progress
from server.schemas import SCHEMAS
from server.settings import Settings

# Shorter work needs no progress bar.
BAR_AFTER_SECONDS = 1.0


@click.group(cls=Commands)
def roster() -> None:
    """Import the school's users, classes and enrolments."""


@roster.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@option("--dry-run", is_flag=True, help="Only say what would change.")
@option(
    "--confirm-ended",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Confirm that so many users, classes and enrolments in all are to end. Asked for where that is a large part.",
)
@data_options
def import_command(path: Path, dry_run: bool, confirm_ended: int | None, **given: Any) -> None:
    """Update the school from a OneRoster export: a folder or a zip of CSV files (version 1.1 or 1.2).

    New users are added, changed ones are updated, and users who are no longer in the export can no longer sign in. If
    the export has problems, all of them are listed and nothing is changed.
    """
    settings = make_settings(**given)
    with _progress("Reading") as progress:
        found = rosters.read(path, progress=progress)

    async def apply(databases: Databases) -> rosters.Summary:
        with _progress("Importing") as progress:
            return await rosters.apply(
                databases.sessions("accounts"), found, dry_run=dry_run, progress=progress, confirm_ended=confirm_ended
            )

    _tell(run(settings, apply), dry_run=dry_run)


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


@contextmanager
def _progress(label: str) -> Iterator[Progress]:
    """Show a progress bar on a terminal if the work takes longer than a moment."""
    watched, begun = sys.stderr.isatty(), time.monotonic()
    bars: list[Any] = []

    def show(done: int, total: int) -> None:
        if watched and not bars and time.monotonic() - begun > BAR_AFTER_SECONDS:
            bars.append(click.progressbar(length=total, label=label, file=sys.stderr))
            bars[0].render_progress()
        for bar in bars:
            bar.update(done - bar.pos)

    try:
        yield show
    finally:
        for bar in bars:
            bar.render_finish()


def _tell(summary: rosters.Summary, *, dry_run: bool) -> None:
    click.echo(f"{summary.school}{': nothing was changed. It would be:' if dry_run else ''}")
    for kind in ("users", "classes", "enrolments"):
        counts: Counts = getattr(summary, kind)
        click.echo(f"  {kind:<11}{counts.created} new, {counts.updated} updated, {counts.ended} ended")
    if summary.skipped:
        skipped = ", ".join(f"{count} {name}" for name, count in sorted(summary.skipped.items()))
        click.echo(f"  left out   {skipped}")
    for remark in summary.remarks:
        click.echo(f"  {remark.times} {remark.what}:")
        for place in remark.places:
            click.echo(f"    {place}")
        if remark.times > len(remark.places):
            click.echo(f"    … and {remark.times - len(remark.places)} more")
    if dry_run and summary.to_confirm:
        click.echo(f"A large part would end. If that is right, import with --confirm-ended {summary.to_confirm}.")
