"""Notes of changed rights and sign-ins, which every running worker reads within a second.

A note is written in the transaction that makes the change. Its number is taken from a counter row, as the journal
takes a topic's `seq`: the row stays locked until the commit, so numbers are in the order of commits on both databases,
and a transaction that is rolled back leaves no gap. (A sequence of PostgreSQL would.) So a gap proves that notes were
deleted before a worker saw them.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Change, ChangeCounter

# Above this many users one note says "everybody". A worker reads and applies a thousand notes in some 10 ms, and reads
# again only those of the users who are connected to it; with more notes than that the table would grow too large.
EVERYBODY = 5_000

_USER, _SCHOOL, _EVERYBODY = "user", "school", "everybody"


class Changes(NamedTuple):
    """The changes up to the note `newest`: these users (None: everybody), and whether the school changed.

    The school means the data that all members share: its name and its classes.
    """

    newest: int
    users: set[int] | None
    school: bool


async def note_changes(db: AsyncSession, user_ids: Iterable[int] | None, at: int, *, school: bool = False) -> None:
    """Write a note for each of these users, or one for everybody (None), and one for the school if it has changed.

    Call it last in the transaction: it blocks other writers of notes until the commit.
    """
    notes: list[tuple[str, int | None]] = [(_SCHOOL, None)] if school else []
    users = None if user_ids is None else sorted(set(user_ids))
    if users is None or len(users) > EVERYBODY:
        notes = [(_EVERYBODY, None)]
    else:
        notes += [(_USER, user_id) for user_id in users]
    if not notes:
        return
    newest = await db.scalar(
        update(ChangeCounter).values(number=ChangeCounter.number + len(notes)).returning(ChangeCounter.number),
        execution_options={"synchronize_session": False},
    )
    assert newest is not None
    rows = [
        {"id": number, "kind": kind, "user_id": user_id, "at": at}
        for number, (kind, user_id) in enumerate(notes, newest - len(notes) + 1)
    ]
    await db.execute(insert(Change), rows)


async def newest_change(db: AsyncSession) -> int:
    """Return the number of the newest note, 0 before the first."""
    return await db.scalar(select(ChangeCounter.number)) or 0


async def changes_after(db: AsyncSession, last: int) -> Changes:
    """Return the changes after the note with this number; everybody, if some of the later notes were deleted."""
    # One statement, so that the counter and the notes are from one snapshot.
    query = select(ChangeCounter.number, Change.kind, Change.user_id).outerjoin(Change, Change.id > last)
    rows = (await db.execute(query)).all()
    newest: int = rows[0][0]
    kinds = [kind for _, kind, _ in rows if kind]  # without a note there is one row, with the counter only
    if _EVERYBODY in kinds or len(kinds) != newest - last:
        return Changes(newest, None, school=True)
    return Changes(newest, {user_id for *_, user_id in rows if user_id is not None}, school=_SCHOOL in kinds)


async def forget_changes(db: AsyncSession, before: int) -> None:
    """Delete the notes made before this time."""
    await db.execute(delete(Change).where(Change.at < before))
