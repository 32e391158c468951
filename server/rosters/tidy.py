"""Removes what imports leave behind: rows that nobody sees, of one that died or was undone, and what was before."""

from typing import cast

from sqlalchemy import ColumnElement, CursorResult, delete, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Credential, Enrolment, SchoolClass
from server.databases.imports import Coming, ImportBefore
from server.rosters.bring import KINDS, hidden
from server.rosters.compare import Kind
from server.rosters.created import Created, last_id
from server.rosters.imports import show
from server.rosters.steps import ROWS_AT_ONCE, Steps


async def remove_what_died(steps: Steps) -> None:
    """Remove the rows that imports, or the end of an undo, have left hidden; no other import runs meanwhile."""
    async with steps.reading() as db:
        died = list(await db.scalars(select(Coming)))
    for coming in died:
        await remove_hidden(steps, coming)


async def remove_hidden(steps: Steps, coming: Coming) -> None:
    """Remove the rows that this hides, some at a time, and then this."""
    for kind in reversed(KINDS):  # enrolments refer to the others
        if (first := getattr(coming, kind.table.name)) is not None:
            await _remove(steps, kind, first)
    await _forget(steps, ImportBefore.import_id == coming.import_id)
    async with steps.writing() as db:
        await show(db, coming.import_id)


async def _remove(steps: Steps, kind: Kind, first: int) -> None:
    async def remove_some(db: AsyncSession, ids: range) -> None:
        of_import = hidden(kind, Created({kind.name: (ids.start - 1, ids.stop - 1)}))
        await db.execute(delete(kind.table).where(of_import, *_unused(kind)))

    async with steps.reading() as db:
        last = await last_id(db, kind)
    await steps.in_batches(range(first + 1, last + 1), remove_some)


def _unused(kind: Kind) -> list[ColumnElement[bool]]:
    """Return the conditions that nothing made by hand refers to a row."""
    if kind.name == "user":
        return [~exists().where(each.user_id == Account.id) for each in (Enrolment, Credential)]
    return [~exists().where(Enrolment.class_id == SchoolClass.id)] if kind.name == "class" else []


async def forget_others(steps: Steps, import_id: int) -> None:
    """Forget what was there before other imports: they can no longer be undone."""
    await _forget(steps, ImportBefore.import_id != import_id)


async def _forget(steps: Steps, which: ColumnElement[bool]) -> None:
    columns = (ImportBefore.import_id, ImportBefore.kind, ImportBefore.row_id)
    some = select(*columns).where(which).limit(ROWS_AT_ONCE)
    more = True

    async def forget_some(db: AsyncSession, _: range) -> None:
        nonlocal more
        done = await db.execute(delete(ImportBefore).where(tuple_(*columns).in_(some)))
        more = cast(CursorResult[object], done).rowcount == ROWS_AT_ONCE

    while more:
        await steps.in_batches(range(1), forget_some)
