"""The long steps of an import: it is checked, applied, undone. Pages run them in a process of its own (`apart`).

check: read (files or a provider) -> preview -> the roster and the lists are stored: ready, or refused with reasons
apply: the stored roster -> the school, if it would still do what was shown
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from server.accounts.refusals import UserError
from server.clock import now_ms
from server.databases import DbSessions, reading, writing
from server.databases.errors import DatabaseUnavailable
from server.databases.imports import Import
from server.databases.outbox import note_audited
from server.databases.school import read_hours, school_day
from server.rosters.export import Progress
from server.rosters.imports import (
    Origin,
    State,
    find,
    move,
    store_lists,
    store_progress,
    store_roster,
    stored_roster,
)
from server.rosters.merge import Outdated, Summary, apply, preview
from server.rosters.problems import Problem, RosterErrors
from server.rosters.reader import read
from server.rosters.roster import Roster
from server.rosters.steps import taking_steps
from server.rosters.undo import undo

# How often the progress is stored: a page asks for it once a second.
PROGRESS_SECONDS = 0.7

# Reads a roster as it is on a day, and tells its progress.
Source = Callable[[date, Progress], Awaitable[Roster]]


class Refusal(msgspec.Struct):
    """Why a step was refused: the first problems, and how many more there are."""

    problems: list[Problem]
    more: int = 0


def from_files(path: Path) -> Source:
    """Return the source that reads an export's folder or zip."""

    async def read_files(today: date, progress: Progress) -> Roster:
        return await asyncio.to_thread(read, path, today=today, progress=progress)

    return read_files


async def today_of(sessions: DbSessions) -> date:
    """Return which day it is at the school."""
    async with reading(sessions) as db:
        return school_day(await read_hours(db), now_ms())


async def check(sessions: DbSessions, import_id: int, source: Source, progress: Progress | None = None) -> State:
    """Check an import that is in `CHECKING`, and store what it would do; return how that ended."""
    try:
        roster = await _read(sessions, import_id, source, progress)
        summary = await _preview(sessions, import_id, roster)
        await store_roster(sessions, import_id, roster)
        return await _ready(sessions, import_id, *summary)
    except RosterErrors as error:
        return await _refuse(sessions, import_id, error)


async def pull(sessions: DbSessions, import_id: int, source: Source, *, applies: bool) -> State:
    """Check what a provider has; where it `applies`, apply that, unless a large part of the school would end."""
    state = await check(sessions, import_id, source)
    if state != State.READY or not applies:
        return state
    async with reading(sessions) as db:
        summary = summary_of(await find(db, import_id))
    if summary is None or summary.to_confirm:
        return state
    async with writing(sessions) as db:
        if not await move(db, import_id, State.APPLYING if summary.changed else State.APPLIED):
            return State.DISCARDED
    return await apply_checked(sessions, import_id) if summary.changed else State.APPLIED


async def _read(sessions: DbSessions, import_id: int, source: Source, progress: Progress | None) -> Roster:
    async with _telling(sessions, import_id, progress) as note:
        return await source(await today_of(sessions), note)


@asynccontextmanager
async def _telling(sessions: DbSessions, import_id: int, progress: Progress | None = None) -> AsyncIterator[Progress]:
    """Give a function that notes how far a step is; the page reads it."""
    steps = [0, 0]

    def note(done: int, total: int) -> None:
        steps[:] = done, total
        if progress:
            progress(done, total)

    telling = asyncio.create_task(_tell(sessions, import_id, steps))
    try:
        yield note
    finally:
        telling.cancel()
        await asyncio.wait([telling])


async def _tell(sessions: DbSessions, import_id: int, steps: list[int]) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        with suppress(DatabaseUnavailable):  # the import's own writes go first
            async with writing(sessions) as db:
                await store_progress(db, import_id, *steps)


async def _preview(sessions: DbSessions, import_id: int, roster: Roster) -> tuple[Summary, int]:
    # An import that is under way, or an undo that still removes rows, would be counted in part.
    async with _telling(sessions, import_id), taking_steps(sessions):
        pass
    summary, lists = await preview(sessions, roster)
    await store_lists(sessions, import_id, lists.entries)
    return summary, lists.moving


async def _ready(sessions: DbSessions, import_id: int, summary: Summary, moving: int) -> State:
    result = msgspec.json.encode(summary).decode()
    async with writing(sessions) as db:
        is_ready = await move(db, import_id, State.READY, result=result, moving=moving, problems=None)
    return State.READY if is_ready else State.DISCARDED


async def _refuse(sessions: DbSessions, import_id: int, error: RosterErrors) -> State:
    async with writing(sessions) as db:
        if await move(db, import_id, State.REFUSED, problems=_problems(error)):
            row = await find(db, import_id)
            await note_audited(db, now_ms(), "roster:refused", user_id=row.user_id, why=str(error.problems[0]))
    return State.REFUSED


def _problems(error: RosterErrors) -> str:
    return msgspec.json.encode(Refusal(list(error.problems), error.more)).decode()


async def apply_checked(sessions: DbSessions, import_id: int, confirm_ended: int | None = None) -> State:
    """Apply an import that is in `APPLYING`; return how that ended.

    Where the school has changed since the check, the import is ready again, with what it would do now. Where it would
    end many and their number is not confirmed, it is ready as before, with the problem.
    """
    roster = await stored_roster(sessions, import_id)
    async with reading(sessions) as db:
        row = await find(db, import_id)
    origin = Origin(row.source, row.name, row.user_id)
    expected = msgspec.json.decode(row.result or "", type=Summary)
    given: Any = {"confirm_ended": confirm_ended, "origin": origin, "import_id": import_id, "expected": expected}
    try:
        async with _telling(sessions, import_id) as note:
            await apply(sessions, roster, progress=note, **given)
    except Outdated:
        return await _ready(sessions, import_id, *await _preview(sessions, import_id, roster))
    except RosterErrors as error:
        async with writing(sessions) as db:
            await move(db, import_id, State.READY, problems=_problems(error))
        return State.READY
    return State.APPLIED


async def undo_applied(sessions: DbSessions, import_id: int, user_id: int | None = None) -> State:
    """Undo an import that is in `UNDOING`; return how that ended: it may stay applied, with the problem."""
    try:
        await undo(sessions, import_id, user_id)
    except UserError as error:
        problem = Refusal([Problem("", 0, "", str(error))])
        async with writing(sessions) as db:
            await move(db, import_id, State.APPLIED, problems=msgspec.json.encode(problem).decode())
        return State.APPLIED
    return State.UNDONE


def problems_of(row: Import) -> Refusal:
    """Return why the last step of an import was refused; no problems where it was not."""
    return msgspec.json.decode(row.problems, type=Refusal) if row.problems else Refusal([])


def summary_of(row: Import) -> Summary | None:
    """Return what an import changes; None before that is known."""
    return msgspec.json.decode(row.result, type=Summary) if row.result else None
