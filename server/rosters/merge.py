"""Makes the users, classes and enrolments of the database match a roster: all of them, or none.

Rows that only the roster has are created; rows that differ are updated, and active again if they had ended; rows that
came from an earlier roster and are not in this one end (`active` is false), and keep their ids, so that old messages
keep their authors. Rows made by hand, without a `sourced_id`, stay as they are, unless their login is in the roster
(`adoption`). `enabled` and passwords never change. A dry run does the same work and rolls it back.

An import that would end a large part of what there is (`bound`) is refused until somebody confirms how many rows: a
file that was cut off looks like a school that everybody has left.

Measured with 100,000 users, 20,340 classes and 589,740 enrolments (bench/school.py) on 2 cores, reading included: a
first import 17 s on SQLite and 23 s on PostgreSQL; one that changes every row 24 s and 34 s; at most 270 MB.
"""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import false, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.clock import now_ms
from server.databases import DbSessions, reading
from server.databases.accounts import School
from server.databases.audit import Record
from server.databases.changes import EVERYBODY, note_changes
from server.databases.outbox import new_key, note_all
from server.rosters.adoption import adopt
from server.rosters.bound import are_few
from server.rosters.compare import CLASSES, ENROLMENTS, USERS, Counts, bring
from server.rosters.concerned import Concerned
from server.rosters.export import Progress
from server.rosters.problems import Problems, Remark, shown
from server.rosters.roster import Roster
from server.rosters.staging import resolve_enrolments, stage, unstage

# Any number, the same in every process: of two imports into one PostgreSQL the second waits for the first.
_LOCK = 0x1005A


class Summary(msgspec.Struct):
    """What an import did, or would do.

    `skipped` counts what was left out of the export, by what it is; `remarks` are on what was ignored or read as it was
    meant, and on accounts taken over. `to_confirm` is the number of rows that end, where that needs confirmation.
    """

    school: str
    renamed: bool
    users: Counts
    classes: Counts
    enrolments: Counts
    skipped: Mapping[str, int]
    remarks: Sequence[Remark] = ()
    to_confirm: int = 0

    @property
    def changed(self) -> bool:
        """Whether the import changed anything."""
        return bool(self.renamed or self.users or self.classes or self.enrolments)


async def apply(
    sessions: DbSessions,
    roster: Roster,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    everybody: int = EVERYBODY,
    confirm_ended: int | None = None,
) -> Summary:
    """Make the database match the roster in one transaction, and notify the running workers.

    An import that ends many rows is refused unless their number, `Summary.to_confirm`, is given as `confirm_ended`.

    An import that concerns more than `everybody` users makes the workers read everybody again. Raise RosterErrors, with
    nothing changed, when the roster cannot be imported. `progress` gets the records done, and their number.
    """
    done = _Done(roster, progress)
    # Not `writing`, which would keep others from writing from the start: see `staging` and `_lock`.
    async with reading(sessions) as db:
        await stage(db, roster, done.tick)
        summary = await _merge_or_explain(db, roster, done, everybody)
        if not dry_run:
            _check_confirmed(summary, confirm_ended)
        await (db.rollback() if dry_run else db.commit())
    return summary


class _Done:
    """Counts what is done: each record once when it is staged and once when it is compared."""

    def __init__(self, roster: Roster, progress: Progress | None) -> None:
        self._total = 2 * (len(roster.users) + len(roster.classes) + len(roster.enrolments))
        self._done = 0
        self._progress = progress

    def tick(self, count: int) -> None:
        self._done += count
        if self._progress:
            self._progress(self._done, self._total)


async def _merge_or_explain(db: AsyncSession, roster: Roster, done: _Done, everybody: int) -> Summary:
    try:
        return await _merge(db, roster, done, everybody)
    except IntegrityError:
        problems = Problems()
        problems.add("users.csv", 0, "", "Another command changed the same users during the import: import again.")
        problems.check()
        raise


async def _merge(db: AsyncSession, roster: Roster, done: _Done, everybody: int) -> Summary:
    await _lock(db)
    await _check(db, roster)
    before = await _count_active(db)
    adopted = await adopt(db, roster)
    concerned = Concerned(db, everybody)
    renamed = await _name_school(db, roster)
    users = await bring(db, USERS, await concerned.add_users())
    done.tick(len(roster.users))
    classes = await bring(db, CLASSES, await concerned.add_classes())
    done.tick(len(roster.classes))
    await resolve_enrolments(db)
    enrolments = await bring(db, ENROLMENTS, await concerned.add_enrolments())
    done.tick(len(roster.enrolments))
    await unstage(db)
    remarks = (*roster.remarks, *adopted)
    summary = Summary(roster.school.name, renamed, users, classes, enrolments, roster.skipped, remarks)
    summary.to_confirm = _to_confirm(summary, before)
    if summary.changed:
        asdict = msgspec.structs.asdict
        detail = {name: asdict(getattr(summary, name)) for name in ("users", "classes", "enrolments")}
        await note_all(db, [Record(new_key(), now_ms(), "roster:imported", detail=detail)])
        # A class is kept in memory with the number of its students: enrolments change classes, too.
        classes_changed = bool(classes or enrolments)
        users_concerned = await concerned.users(classes_changed=classes_changed)
        await note_changes(db, users_concerned, now_ms(), school=renamed or classes_changed)
    return summary


async def _lock(db: AsyncSession) -> None:
    """Keep other imports out until the end of the transaction.

    SQLite has one writer at a time, and only a transaction that writes before it has read may wait for the write lock.
    """
    if db.get_bind().dialect.name == "postgresql":
        await db.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    else:
        await db.execute(update(School).where(false()).values(name=School.name))


async def _check(db: AsyncSession, roster: Roster) -> None:
    """Raise RosterErrors where the roster cannot be that of this database."""
    problems = Problems()
    school = await db.scalar(select(School).where(School.sourced_id.is_not(None)))
    if school and school.sourced_id != roster.school.sourced_id:
        message = f"This is the server of {shown(school.name)} (sourcedId {shown(school.sourced_id or '')}): "
        problems.add("orgs.csv", roster.school.line, "sourcedId", message + "another school needs a server of its own.")
    problems.check()


_Active = tuple[int, int, int]


async def _count_active(db: AsyncSession) -> _Active:
    """Return how many users, classes and enrolments the roster has brought and are active."""
    users, classes, enrolments = [
        await db.scalar(select(func.count()).select_from(table).where(table.c.active, table.c.sourced_id.is_not(None)))
        for table in (USERS.table, CLASSES.table, ENROLMENTS.table)
    ]
    return users or 0, classes or 0, enrolments or 0


def _to_confirm(summary: Summary, before: _Active) -> int:
    ended = (summary.users.ended, summary.classes.ended, summary.enrolments.ended)
    return 0 if all(map(are_few, ended, before)) else sum(ended)


def _check_confirmed(summary: Summary, confirmed: int | None) -> None:
    if summary.to_confirm in (0, confirmed):
        return
    problems = Problems()
    ended = f"{summary.users.ended} users, {summary.classes.ended} classes and {summary.enrolments.ended} enrolments"
    message = f"This import would end {ended}: is the export complete? If it is, confirm their number: "
    problems.add("manifest.csv", 0, "", f"{message}--confirm-ended {summary.to_confirm}.")
    problems.check()


async def _name_school(db: AsyncSession, roster: Roster) -> bool:
    """Write the roster's school into the school's one row; return whether that changed it."""
    wanted = {"sourced_id": roster.school.sourced_id, "name": roster.school.name}
    row = (await db.execute(select(School.id, School.sourced_id, School.name).order_by(School.id))).first()
    if row is None:
        await db.execute(insert(School).values(wanted))
    elif row[1:] != tuple(wanted.values()):
        await db.execute(update(School).where(School.id == row.id).values(wanted))
    else:
        return False
    return True
