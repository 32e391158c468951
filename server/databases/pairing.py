"""Whether the accounts and the journal belong together, and neither is an older copy of itself.

    accounts: pairing (epoch, stored) ---- the same epoch, no fewer events ---- journal: epoch, topics.seq
    accounts: users, classes          ---- no lower ids ----------------------- journal: authors, readers, topics
    accounts: change_counter          ---- no fewer changes ------------------- journal: changes

Without this check, an older copy of the accounts would give the ids of users whom the journal mentions to others, and
rights back that were withdrawn; an older copy of the journal would use positions again that clients have seen. Each
database keeps how far the other had come a few seconds ago. Where both are old copies of the same moment, nothing here
differs: `accept` is then needed as well (`python server.py database accept`).

The reasons, and what is not noticed: docs/notes/restored.md.
"""

import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from channels.journal.reader import one_by_one
from channels.journal.tables import events_table, journal_table, reads_table, topics_table
from channels.topics.kind import CLASS, USER, parse_name
from server.databases.accounts import Account, ChangeCounter, Pairing, SchoolClass
from server.databases.ids import last_id, number_after


class Apart(Exception):
    """The databases do not belong together; the message says how that shows."""


class Ids(NamedTuple):
    """The highest id of a user, and of a class."""

    user: int
    class_: int


NO_IDS = Ids(0, 0)


class Accounts(NamedTuple):
    """What the accounts know of the journal, its epoch and number of events, and how many changes they had."""

    epoch: str
    stored: int
    changes: int


class Progress(NamedTuple):
    """How many events the journal of an epoch had when its newest move was `moved` (`channels.journal.moves`)."""

    moved: int
    stored: int
    epoch: str


async def check_pairing(accounts: AsyncEngine, journal: AsyncEngine) -> None:
    """Raise Apart where the databases do not belong together; pair accounts that have no journal yet."""
    # Each database is read after what the other one has kept of it: it may be in use, and moves forward only.
    async with journal.connect() as connection:
        epoch, changes = await _kept_in_journal(connection)
        mentioned = await _ids_in_journal(connection)
    async with accounts.connect() as connection:
        found = await _accounts(connection)
        ids = await _ids_in_accounts(connection)
    async with journal.connect() as connection:
        stored = await _stored(connection)
    if found.epoch not in ("", epoch):
        raise Apart("the accounts belong to another journal")
    _check_progress(found, stored, changes)
    for kind, known, last in (("user", ids.user, mentioned.user), ("class", ids.class_, mentioned.class_)):
        if known < last:
            raise Apart(f"the journal mentions {kind} {last}, and the accounts end at {known}: they are an older copy")
    if not found.epoch:
        await _pair(accounts, epoch, stored)


def _check_progress(found: Accounts, stored: int, changes: int) -> None:
    if stored < found.stored:
        raise Apart(f"the journal had {found.stored} events and has {stored}: it is an older copy, or its -wal is gone")
    if found.changes < changes:
        raise Apart(f"the accounts had {changes} changes and have {found.changes}: they are an older copy")


async def name_and_events(journal: AsyncEngine) -> tuple[str, int]:
    """Return the journal's epoch, and how many events it has."""
    async with journal.connect() as connection:
        return (await _kept_in_journal(connection))[0], await _stored(connection)


async def record_progress(accounts: AsyncEngine, journal: AsyncEngine, *, last: Progress | None = None) -> Progress:
    """Keep in each database how far the other has come; raise Apart where one has gone back.

    Costs two short reads where nothing has moved since the `last` call in this process, of which that is the result.
    """
    async with one_by_one(journal).connect() as connection:
        changes, moved = await _changes_and_moves(connection)
    async with one_by_one(accounts).connect() as connection:
        found = await _accounts(connection)
    progress = last
    # Another worker may have seen more in between.
    if progress is None or progress.moved != moved or progress.stored < found.stored:
        async with one_by_one(journal).connect() as connection:
            progress = Progress(moved, await _stored(connection), found.epoch)
    _check_progress(found, progress.stored, changes)
    await _record(accounts, journal, found, progress.stored, changes)
    return progress


async def _record(accounts: AsyncEngine, journal: AsyncEngine, found: Accounts, stored: int, changes: int) -> None:
    if stored > found.stored:
        async with _writing(accounts) as connection:
            await connection.execute(update(Pairing).where(Pairing.stored < stored).values(stored=stored))
        await _write_through(accounts)
    if found.changes > changes:
        newer = update(journal_table).where(journal_table.c.changes < found.changes)
        async with _writing(journal) as connection:
            await connection.execute(newer.values(changes=found.changes))


async def accept(accounts: AsyncEngine, journal: AsyncEngine, *, given: Ids = NO_IDS) -> Ids:
    """Pair these databases as they are; return the ids after which new users and classes are numbered.

    These are not below `given`, the ids that are known from elsewhere to be given.
    The journal gets a new epoch, so that no client takes a position of the other journal for one of this, and a new
    key. If this fails half-way, the databases are apart, and doing it again pairs them.
    """
    async with journal.connect() as connection:
        mentioned, stored = await _ids_in_journal(connection), await _stored(connection)
    async with _writing(accounts) as connection:
        found = await _accounts(connection)
        known = await _ids_in_accounts(connection)
        after = Ids(max(known.user, mentioned.user, given.user), max(known.class_, mentioned.class_, given.class_))
        for table, number in ((Account.__tablename__, after.user), (SchoolClass.__tablename__, after.class_)):
            await connection.run_sync(number_after, table, number)
    epoch = secrets.token_hex(8)
    async with _writing(journal) as connection:
        values = {"epoch": epoch, "key": secrets.token_hex(32), "changes": found.changes}
        await connection.execute(update(journal_table).values(values))
    await _pair(accounts, epoch, stored)
    return after


def _writing(engine: AsyncEngine) -> Any:
    return engine.execution_options(writes=True).begin()


async def _pair(accounts: AsyncEngine, epoch: str, stored: int) -> None:
    async with _writing(accounts) as connection:
        await connection.execute(update(Pairing).values(epoch=epoch, stored=stored))
    await _write_through(accounts)


async def _write_through(accounts: AsyncEngine) -> None:
    # SQLite: copy the row from the write-ahead file into the database, so that it survives the loss of that file.
    if accounts.dialect.name == "sqlite":
        async with accounts.connect() as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(PASSIVE)"))


async def _accounts(connection: AsyncConnection) -> Accounts:
    number = select(ChangeCounter.number).scalar_subquery()
    return Accounts(*(await connection.execute(select(Pairing.epoch, Pairing.stored, number))).one())


async def _ids_in_accounts(connection: AsyncConnection) -> Ids:
    return Ids(
        await connection.run_sync(last_id, Account.__tablename__),
        await connection.run_sync(last_id, SchoolClass.__tablename__),
    )


async def _kept_in_journal(connection: AsyncConnection) -> tuple[str, int]:
    epoch, changes = (await connection.execute(select(journal_table.c.epoch, journal_table.c.changes))).one()
    return str(epoch), int(changes)


async def _stored(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(func.coalesce(func.sum(topics_table.c.seq), 0)))).scalar_one())


async def _changes_and_moves(connection: AsyncConnection) -> tuple[int, int]:
    # The newest move is the end of an index; the sum of all positions takes a step for each topic.
    newest = select(func.coalesce(func.max(topics_table.c.moved), 0)).scalar_subquery()
    changes, moved = (await connection.execute(select(journal_table.c.changes, newest))).one()
    return int(changes), int(moved)


async def _ids_in_journal(connection: AsyncConnection) -> Ids:
    # The highest author and reader of each topic are the ends of an index: two steps for each topic, not a scan.
    author, reader = (
        select(func.max(column)).where(table.c.topic_id == topics_table.c.id).scalar_subquery()
        for table, column in ((events_table, events_table.c.author_id), (reads_table, reads_table.c.user_id))
    )
    rows = (await connection.execute(select(topics_table.c.name, author, reader))).all()
    named = list(_numbers(name for name, *_ in rows))
    users = [number for kind, number in named if kind is USER]
    users += [number or 0 for _, *numbers in rows for number in numbers]
    return Ids(max(users, default=0), max((number for kind, number in named if kind is CLASS), default=0))


def _numbers(names: Iterable[str]) -> Iterable[tuple[object, int]]:
    for name in names:
        try:
            address = parse_name(name)
        except ValueError:  # of a kind that another version has
            continue
        yield address.kind, address.number
