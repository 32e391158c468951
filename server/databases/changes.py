"""Notes of changed rights and sign-ins, which every running worker reads within a second.

A note is written in the transaction that makes the change. Its number is taken from a counter row, as the journal
takes a topic's `seq`: the row stays locked until the commit, so numbers are in the order of commits on both databases,
and a transaction that is rolled back leaves no gap. (A sequence of PostgreSQL would.) So a gap proves that notes were
deleted before a worker saw them.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases import DbSessions, fetch
from server.databases.accounts import Change, ChangeCounter
from server.databases.batch import batches

# Above this many users one note says "everybody": more than any school that one server holds. A worker reads the
# notes of an import of 100,000 in some 30 ms, and then reads again only the sign-ins of those who are connected to it.
EVERYBODY = 250_000
# From how many on users share a note: a note for each would take a worker 10 ms a thousand.
TOGETHER = 100
# Users in one note: some 7 KB, which a database stores beside the row or not, as it likes.
IN_ONE_NOTE = 1_000

_USER, _USERS, _SCHOOL, _EVERYBODY = "user", "users", "school", "everybody"


class _Note(NamedTuple):
    kind: str
    user_id: int | None = None
    user_ids: str | None = None


class Changes(NamedTuple):
    """The changes up to the note `newest`: these users (None: everybody), and whether the school changed.

    The school means the data that all members share: its name and its classes.
    """

    newest: int
    users: set[int] | None
    school: bool


async def note_changes(db: AsyncSession, user_ids: Iterable[int] | None, at: int, *, school: bool = False) -> None:
    """Write notes for these users, or one for everybody (None), and one for the school if it has changed.

    Call it last in the transaction: it blocks other writers of notes until the commit.
    """
    notes = [_Note(_SCHOOL)] if school else []
    users = None if user_ids is None else sorted(set(user_ids))
    if users is None or len(users) > EVERYBODY:
        notes = [_Note(_EVERYBODY)]
    elif len(users) > TOGETHER:
        notes += [_Note(_USERS, user_ids=",".join(map(str, some))) for some in batches(users, IN_ONE_NOTE)]
    else:
        notes += [_Note(_USER, user_id) for user_id in users]
    if not notes:
        return
    newest = await db.scalar(
        update(ChangeCounter).values(number=ChangeCounter.number + len(notes)).returning(ChangeCounter.number),
        execution_options={"synchronize_session": False},
    )
    assert newest is not None
    rows = [{"id": number, "at": at, **note._asdict()} for number, note in enumerate(notes, newest - len(notes) + 1)]
    await db.execute(insert(Change), rows)


async def newest_change(db: AsyncSession) -> int:
    """Return the number of the newest note, 0 before the first."""
    return await db.scalar(select(ChangeCounter.number)) or 0


# The counter and the notes after the one with the number `last`: one statement, so that both are from one snapshot.
_AFTER = select(ChangeCounter.number, Change.kind, Change.user_id, Change.user_ids).outerjoin(
    Change, Change.id > bindparam("last", type_=BigInteger)
)


async def changes_after(sessions: DbSessions, last: int) -> Changes:
    """Return the changes after the note with this number; everybody, if some of the later notes were deleted."""
    rows = await fetch(sessions, _AFTER, {"last": last})
    newest: int = rows[0][0]
    kinds = [row.kind for row in rows if row.kind]  # without a note there is one row, with the counter only
    if _EVERYBODY in kinds or len(kinds) != newest - last:
        return Changes(newest, None, school=True)
    users = {row.user_id for row in rows if row.user_id is not None}
    for row in rows:
        users.update(map(int, row.user_ids.split(",")) if row.user_ids else ())
    return Changes(newest, users, school=_SCHOOL in kinds)


async def forget_changes(db: AsyncSession, before: int) -> None:
    """Delete the notes made before this time."""
    await db.execute(delete(Change).where(Change.at < before))
