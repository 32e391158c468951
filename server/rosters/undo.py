"""Undoes the last import: people, classes and enrolments are again what they were before it.

What it changed or ended gets its former values. People and classes that it created end and keep their ids, so that a
later import finds them with their passwords, and messages keep their authors; enrolments that it created are deleted.
Passwords, and what others changed meanwhile in other rows, stay as they are.

All of that shows at once. The enrolments are hidden then (`Coming`), and deleted afterwards, some at a time.
"""

from typing import Any

import msgspec
from sqlalchemy import Table, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.refusals import UserError
from server.clock import now_ms
from server.databases import DbSessions
from server.databases.accounts import School
from server.databases.changes import note_changes
from server.databases.imports import Import, ImportBefore
from server.databases.outbox import note_audited
from server.rosters.compare import CLASSES, ENROLMENTS, FREED_LOGIN, USERS, Kind
from server.rosters.concerned import concerned
from server.rosters.created import Created
from server.rosters.imports import State, hide, undoable
from server.rosters.steps import Steps, taking_steps
from server.rosters.tidy import remove_what_died


async def undo(sessions: DbSessions, import_id: int, user_id: int | None = None) -> None:
    """Undo an import; raise UserError, with nothing changed, where that cannot be done (any more)."""
    try:
        async with taking_steps(sessions) as steps:
            async with steps.reading() as db:
                created = await _created(db, import_id)
                users = await concerned(db, import_id, created, classes_changed=True)
            async with steps.writing() as db:
                await _undo(db, import_id, created, users, user_id)
            await _free_logins(steps, created)
            await remove_what_died(steps)
    except IntegrityError as error:
        raise UserError(
            "A login from before this import belongs to somebody else by now: give that person another login first."
        ) from error


async def _created(db: AsyncSession, import_id: int) -> Created:
    if await undoable(db) != import_id:
        raise UserError("Only the last import that changed something can be undone, and only once.")
    given = await db.scalar(select(Import.created).where(Import.id == import_id))
    return msgspec.json.decode(given or b"{}", type=Created)


async def _undo(db: AsyncSession, import_id: int, created: Created, users: set[int], user_id: int | None) -> None:
    await _end_created(db, import_id, created)
    for kind in (USERS, CLASSES, ENROLMENTS):
        await _restore(db, kind, import_id)
    await _restore_school(db, import_id)
    await db.execute(update(Import).where(Import.id == import_id).values(state=State.UNDONE, created=None))
    await note_audited(db, now_ms(), "roster:undone", user_id=user_id)
    await note_changes(db, users, now_ms(), school=True)


async def _end_created(db: AsyncSession, import_id: int, created: Created) -> None:
    enrolments, people, rooms = ENROLMENTS.table, USERS.table, CLASSES.table
    await _run(db, update(people).where(_is_created(created, USERS)).values(active=False))
    await _run(db, update(rooms).where(_is_created(created, CLASSES)).values(active=False))
    await hide(db, import_id, enrolments=created.ranges.get(ENROLMENTS.name, (None,))[0])
    # What somebody had before may be in the way: their login, or the id of an enrolment that was moved.
    before = select(ImportBefore.login).where(ImportBefore.import_id == import_id, ImportBefore.kind == USERS.name)
    needed = _is_created(created, USERS) & people.c.login.in_(before)
    await _run(db, update(people).where(needed).values(login=FREED_LOGIN))
    before = select(ImportBefore.sourced_id).where(
        ImportBefore.import_id == import_id, ImportBefore.kind == ENROLMENTS.name
    )
    await _run(db, delete(enrolments).where(_is_created(created, ENROLMENTS), enrolments.c.sourced_id.in_(before)))


def _is_created(created: Created, kind: Kind) -> Any:
    return created.holds(kind.name, kind.table.c.id) & kind.table.c.sourced_id.is_not(None)


async def _free_logins(steps: Steps, created: Created) -> None:
    """Let others have the logins of those who were created; 100,000 at once would take most of a second."""
    people = USERS.table
    first, last = created.ranges.get(USERS.name, (0, 0))

    async def free_some(db: AsyncSession, ids: range) -> None:
        some = _is_created(Created({USERS.name: (ids.start - 1, ids.stop - 1)}), USERS)
        await _run(db, update(people).where(some, ~people.c.active).values(login=FREED_LOGIN))

    await steps.in_batches(range(first + 1, last + 1), free_some)


async def _restore(db: AsyncSession, kind: Kind, import_id: int) -> None:
    before: Table = ImportBefore.__table__  # type: ignore[assignment]
    same = (before.c.import_id == import_id) & (before.c.kind == kind.name) & (before.c.row_id == kind.table.c.id)
    if kind.unique is not None:
        # Two rows may have exchanged a value that is unique.
        await _run(db, update(kind.table).where(same).values({kind.unique: kind.freed}))
    values = {column: before.c[name] for name, column in kind.kept.items()}
    await _run(db, update(kind.table).where(same).values(values))


async def _restore_school(db: AsyncSession, import_id: int) -> None:
    query = select(ImportBefore).where(ImportBefore.import_id == import_id, ImportBefore.kind == "school")
    for before in await db.scalars(query):
        name = {"name": before.name} if before.name is not None else {}
        await db.execute(update(School).where(School.id == before.row_id).values(sourced_id=before.sourced_id, **name))


async def _run(db: AsyncSession, statement: Any) -> None:
    await db.execute(statement, execution_options={"synchronize_session": False})
