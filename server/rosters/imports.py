r"""The imports of a school: those that are checked and wait to be applied, and those that were.

    uploading -> checking -> ready -> applying -> applied -> undoing -> undone
                         \-> refused

Each is kept with what it changes. What was there before is kept for the last one that changed anything, which alone can
be undone.
"""

import zlib
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.clock import MINUTE, now_ms
from server.databases import DbSessions, reading, writing
from server.databases.imports import Coming, Import, ImportBefore, ImportDifference, ImportPart
from server.rosters.roster import Roster

# What a nightly import leaves in seven weeks. A list of names has some 100 KB at most.
KEPT = 50
# A roster of 100,000 users has 8 MB when it is compressed. A part is written in some 10 ms, during which others wait.
PART_BYTES = 512 * 1024
# Rows of differences that are written in one transaction, in some 20 ms.
ROWS_AT_ONCE = 1_000
# A step that has not moved for so long has died with its process: the longest, which applies a school of 100,000
# users, takes less than one.
STALE_MS = 5 * MINUTE


class State(StrEnum):
    """How far an import is."""

    UPLOADING = "uploading"
    CHECKING = "checking"
    REFUSED = "refused"
    READY = "ready"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"
    DISCARDED = "discarded"


class Origin(NamedTuple):
    """Where an import comes from: how, the name of its file or address, and the user who gave it (None: a command)."""

    source: str = "command"
    name: str = ""
    user_id: int | None = None


BY_COMMAND = Origin()

# The states from which a state may be reached; a step that comes too late finds another one, and does nothing.
_BEFORE: Mapping[State, Collection[State]] = {
    State.CHECKING: (State.UPLOADING,),
    State.READY: (State.CHECKING, State.APPLYING),
    State.REFUSED: (State.CHECKING, State.UPLOADING),
    State.APPLYING: (State.READY,),
    # A pull that changes nothing needs no steps.
    State.APPLIED: (State.UNDOING, State.READY),
    State.UNDOING: (State.APPLIED,),
    State.DISCARDED: (State.UPLOADING, State.CHECKING, State.READY),
}


async def begin(db: AsyncSession, origin: Origin, state: State) -> int:
    """Add an import and return its id; forget the oldest ones."""
    now = now_ms()
    values = {"source": origin.source, "name": origin.name[:255], "user_id": origin.user_id, "state": state}
    added = await db.execute(insert(Import).values(at=now, moved_at=now, **values).returning(Import.id))
    await _forget_oldest(db)
    return added.scalar_one()


async def _forget_oldest(db: AsyncSession) -> None:
    newest = await db.scalar(select(Import.id).order_by(Import.id.desc()).offset(KEPT).limit(1))
    if newest is None:
        return
    for table in (ImportPart, ImportDifference, ImportBefore):
        await db.execute(delete(table).where(table.import_id <= newest))
    await db.execute(delete(Import).where(Import.id <= newest))


async def move(db: AsyncSession, import_id: int, state: State, **values: Any) -> bool:
    """Bring an import into another state, if it may be reached from where it is; return whether it could."""
    query = update(Import).where(Import.id == import_id, Import.state.in_(_BEFORE[state])).returning(Import.id)
    moved = await db.execute(query.values(state=state, moved_at=now_ms(), **values))
    return moved.scalar_one_or_none() is not None


async def record_applied(db: AsyncSession, import_id: int, result: bytes, created: bytes | None) -> None:
    """Note that an import is applied; `created` is None for one that has changed nothing.

    After one that has, no earlier one can be undone: what was there before them is no longer what they would meet.
    """
    if created is not None:
        await db.execute(update(Import).values(created=None))
    created_now = created and created.decode()
    values = {"state": State.APPLIED, "result": result.decode(), "created": created_now}
    await db.execute(update(Import).where(Import.id == import_id).values(**values, applied_at=now_ms()))
    await db.execute(delete(ImportPart).where(ImportPart.import_id == import_id))


async def hide(db: AsyncSession, import_id: int, **after: int | None) -> None:
    """Show nobody the rows of the roster with higher ids than these, by their table, until `show`."""
    await db.execute(insert(Coming).values(import_id=import_id, **after))


async def show(db: AsyncSession, import_id: int) -> None:
    """Show what an import has hidden, or what is left of it."""
    await db.execute(delete(Coming).where(Coming.import_id == import_id))


async def store_roster(sessions: DbSessions, import_id: int, roster: Roster) -> None:
    """Keep a roster until its import is applied or discarded."""
    data = zlib.compress(msgspec.msgpack.encode(roster), 1)
    for number, start in enumerate(range(0, len(data), PART_BYTES)):
        async with writing(sessions) as db:
            part = data[start : start + PART_BYTES]
            await db.execute(insert(ImportPart).values(import_id=import_id, number=number, data=part))


async def stored_roster(sessions: DbSessions, import_id: int) -> Roster:
    """Return the roster that an import has stored."""
    async with reading(sessions) as db:
        query = select(ImportPart.data).where(ImportPart.import_id == import_id).order_by(ImportPart.number)
        data = b"".join(await db.scalars(query))
    return msgspec.msgpack.decode(zlib.decompress(data), type=Roster)


async def store_lists(sessions: DbSessions, import_id: int, lists: Mapping[str, Sequence[msgspec.Struct]]) -> None:
    """Store whom and what an import changes, in place of what was stored of it before."""
    rows = [
        {"import_id": import_id, "list": name, "number": number, "detail": msgspec.json.encode(each).decode()}
        for name, entries in lists.items()
        for number, each in enumerate(entries)
    ]
    async with writing(sessions) as db:
        await db.execute(delete(ImportDifference).where(ImportDifference.import_id == import_id))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        async with writing(sessions) as db:
            await db.execute(insert(ImportDifference), rows[start : start + ROWS_AT_ONCE])


async def read_list(db: AsyncSession, import_id: int, name: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Return a part of one list, from a place on."""
    row = ImportDifference
    query = select(row.detail).where(row.import_id == import_id, row.list == name, row.number >= after)
    return [msgspec.json.decode(each) for each in await db.scalars(query.order_by(row.number).limit(limit))]


async def store_progress(db: AsyncSession, import_id: int, done: int, total: int) -> None:
    """Note how far a check has come."""
    await db.execute(update(Import).where(Import.id == import_id).values(done=done, total=total, moved_at=now_ms()))


async def find(db: AsyncSession, import_id: int) -> Import:
    """Return an import; raises NoResultFound."""
    return (await db.scalars(select(Import).where(Import.id == import_id))).one()


# Where a step that died leaves an import: what was not committed has not happened.
_AFTER_DEATH = {
    State.UPLOADING: State.DISCARDED,
    State.CHECKING: State.DISCARDED,
    State.APPLYING: State.READY,
    State.UNDOING: State.APPLIED,
}


async def settle(db: AsyncSession) -> None:
    """Bring imports whose step has died into the state in which they can be taken on."""
    for state, after in _AFTER_DEATH.items():
        dead = (Import.state == state) & (Import.moved_at < now_ms() - STALE_MS)
        await db.execute(update(Import).where(dead).values(state=after))


async def discard(db: AsyncSession, import_id: int) -> bool:
    """Throw away an import that was not applied; return whether it could be."""
    is_done = await move(db, import_id, State.DISCARDED)
    if is_done:
        await db.execute(delete(ImportPart).where(ImportPart.import_id == import_id))
    return is_done


async def newest(db: AsyncSession, limit: int = KEPT) -> list[Import]:
    """Return the newest imports, newest first."""
    return list(await db.scalars(select(Import).order_by(Import.id.desc()).limit(limit)))


async def undoable(db: AsyncSession) -> int | None:
    """Return the id of the last import that changed anything, if it has not been undone."""
    return await db.scalar(select(func.max(Import.id)).where(Import.created.is_not(None)))
