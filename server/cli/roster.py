"""The commands for the school's roster: import it, list the imports, undo the last one."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from server import rosters
from server.accounts.refusals import UserError
from server.cli.commands import Commands
from server.cli.listing import Row, json_option, print_list
from server.cli.options import data_options, make_settings, option, run
from server.cli.pulling import access_options, read_access
from server.databases import Databases, DbSessions, reading, writing
from server.databases.imports import Import
from server.rosters import RosterErrors
from server.rosters.compare import Counts
from server.rosters.export import Progress
from server.rosters.imports import Origin, State, begin, discard, find, move, newest
from server.rosters.provider import Access, host
from server.rosters.pull import from_provider
from server.rosters.work import apply_checked, check, problems_of, summary_of, today_of

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
    """Update the school from a OneRoster export.

    PATH is a folder or a zip of CSV files (version 1.1 or 1.2). New users are added, changed ones are updated, and
    users who are no longer in the export can no longer sign in. If the export has problems, all of them are listed and
    nothing is changed.
    """
    settings = make_settings(**given)

    async def apply(databases: Databases) -> rosters.Summary:
        sessions = databases.sessions("accounts")
        with _progress("Reading") as progress:
            found = rosters.read(path, today=await today_of(sessions), progress=progress)
        with _progress("Importing") as progress:
            return await rosters.apply(
                sessions,
                found,
                dry_run=dry_run,
                progress=progress,
                confirm_ended=confirm_ended,
                origin=Origin("command", path.name),
            )

    _tell(run(settings, apply), dry_run=dry_run)


@roster.command("pull")
@access_options
@option("--apply", "applies", is_flag=True, help="Apply it at once, unless it would end a large part of the school.")
@data_options
def pull_command(
    roster_url: str, roster_auth: Any, roster_key: str, roster_token_url: str, applies: bool, **given: Any
) -> None:
    """Pull the school's roster from a provider.

    The provider speaks OneRoster REST 1.1 or 1.2. What it has is checked, and waits under “Roster” in the browser until
    the office applies it. With --apply it is applied at once, as a nightly job does. The secret, or the bearer token,
    is read from LOUSA_ROSTER_SECRET.
    """
    access = read_access(roster_url, roster_auth, roster_key, roster_token_url)
    settings = make_settings(**given)
    click.echo(run(settings, lambda databases: _pull(databases, access, applies=applies)))


async def _pull(databases: Databases, access: Access, *, applies: bool) -> str:
    sessions = databases.sessions("accounts")
    async with writing(sessions) as db:
        for row in await newest(db):
            await discard(db, row.id)
        import_id = await begin(db, Origin("pull", host(access.url)), State.CHECKING)
    with _progress("Pulling") as progress:
        await check(sessions, import_id, from_provider(access), progress)
    row = await _found(sessions, import_id)
    summary = summary_of(row)
    if summary is None:
        raise RosterErrors(problems_of(row).problems, problems_of(row).more)
    short = _in_short(summary) or " nothing changes"
    if applies and not summary.to_confirm:
        async with writing(sessions) as db:
            await move(db, import_id, State.APPLYING)
        await apply_checked(sessions, import_id)
        row = await _found(sessions, import_id)
    if applies and row.state != State.APPLIED:
        raise UserError(f"A large part of the school would end. Import {import_id} waits for the office:{short}")
    return f"Import {import_id} {'is applied' if row.state == State.APPLIED else 'waits for the office'}:{short}"


async def _found(sessions: DbSessions, import_id: int) -> Import:
    async with reading(sessions) as db:
        return await find(db, import_id)


@roster.command("list")
@json_option
@data_options
def list_command(as_json: bool, **given: Any) -> None:
    """List the last imports, newest first.

    Number, time, state, name, and how many users, classes and enrolments are new (+), changed (~) or ended (-).
    """
    print_list(map(_row, run(make_settings(**given), _newest)), as_json=as_json)


def _row(row: Import) -> Row:
    summary = summary_of(row)
    return {
        "number": row.id,
        "at": f"{datetime.fromtimestamp(row.at / 1000, UTC).astimezone():%Y-%m-%d %H:%M}",
        "state": row.state,
        "name": row.name,
        "changes": _in_short(summary).strip() if summary else "",
    }


async def _newest(databases: Databases) -> list[Import]:
    async with reading(databases.sessions("accounts")) as db:
        return await newest(db)


def _in_short(summary: rosters.Summary) -> str:
    kinds = {"users": summary.users, "classes": summary.classes, "enrolments": summary.enrolments}
    return "".join(f"  {name} +{each.created} ~{each.updated} -{each.ended}" for name, each in kinds.items() if each)


@roster.command("undo")
@click.argument("number", type=click.IntRange(min=1))
@data_options
def undo_command(number: int, **given: Any) -> None:
    """Undo the last import, by its NUMBER in the list.

    People, classes and enrolments are again as before it. Passwords stay, and people whom it created can no longer sign
    in.
    """

    async def undo(databases: Databases) -> None:
        await rosters.undo(databases.sessions("accounts"), number)

    run(make_settings(**given), undo)
    click.echo(f"Import {number} is undone.")


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
