"""Makes the users, classes and enrolments of the database match a roster: all of them, or none.

Rows that only the roster has are created; rows that differ are updated, and active again if they had ended; rows that
came from an earlier roster and are not in this one end (`active` is false), and keep their ids, so that old messages
keep their authors. Rows made by hand, without a `sourced_id`, stay as they are, unless their login is in the roster
(`adoption`). `enabled` and passwords never change. `preview` says what an import would do, and writes nothing that
others could wait for.

An import that would end a large part of what there is (`bound`) is refused until somebody confirms how many rows: a
file that was cut off looks like a school that everybody has left. One that was checked before (`expected`) is refused
where the school has changed since, so that it does what somebody has seen.
"""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import false, func, insert, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.clock import now_ms
from server.databases import DbSessions, reading
from server.databases.accounts import School
from server.databases.audit import Record
from server.databases.changes import note_changes
from server.databases.enrolments import in_class_that_goes_on
from server.databases.imports import ImportBefore
from server.databases.outbox import new_key, note_all
from server.databases.school import read_hours, school_day
from server.rosters.adoption import adopt
from server.rosters.bound import are_few
from server.rosters.compare import CLASSES, ENROLMENTS, USERS, Counts, Kind, bring, count
from server.rosters.concerned import concerned
from server.rosters.created import Created, last_id
from server.rosters.differences import Lists, read_lists
from server.rosters.export import Progress
from server.rosters.imports import BY_COMMAND, Origin, State, begin, record_applied
from server.rosters.problems import Problems, Remark, shown
from server.rosters.roster import Roster
from server.rosters.staging import identify_classes, identify_users, resolve_enrolments, stage, unstage

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
    def changes(self) -> tuple[bool, Counts, Counts, Counts]:
        """What changes, in numbers."""
        return self.renamed, self.users, self.classes, self.enrolments

    @property
    def changed(self) -> bool:
        """Whether the import changed anything."""
        return any(map(bool, self.changes))


class Outdated(Exception):
    """The school has changed since an import was checked: it would do something else now."""


async def preview(sessions: DbSessions, roster: Roster, progress: Progress | None = None) -> tuple[Summary, Lists]:
    """Return what an import would do, and to whom; raise RosterErrors when the roster cannot be imported.

    `progress` gets the records done, and their number.
    """
    done = _Done(roster, progress)
    async with reading(sessions) as db:
        await stage(db, roster, done.tick)
        remarks = await _identify(db, roster)
        await resolve_enrolments(db, school_day(await read_hours(db), now_ms()))
        users, classes, enrolments = [await _count(db, kind, done) for kind in KINDS]
        renamed = await _is_renamed(db, roster)
        summary = Summary(roster.school.name, renamed, users, classes, enrolments, roster.skipped, remarks)
        summary.to_confirm = _to_confirm(summary, await _count_active(db))
        lists = await read_lists(db)
        await unstage(db)
        await db.rollback()
    return summary, lists


async def _count(db: AsyncSession, kind: Kind, done: "_Done") -> Counts:
    counts = await count(db, kind)
    done.tick(done.records[kind.name])
    return counts


async def apply(
    sessions: DbSessions,
    roster: Roster,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    confirm_ended: int | None = None,
    origin: Origin = BY_COMMAND,
    import_id: int | None = None,
    expected: Summary | None = None,
) -> Summary:
    """Make the database match the roster in one transaction, and notify the running workers.

    An import that ends many rows is refused unless their number, `Summary.to_confirm`, is given as `confirm_ended`.
    `import_id` is that of an import that was checked before. Raise RosterErrors, with nothing changed, when the roster
    cannot be imported, and Outdated where it would not do what was `expected`. `progress` gets the records done, and
    their number.
    """
    if dry_run:
        return (await preview(sessions, roster, progress))[0]
    done = _Done(roster, progress)
    # Not `writing`, which would keep others from writing from the start: see `staging` and `lock`.
    async with reading(sessions) as db:
        await stage(db, roster, done.tick)
        await lock(db)
        import_id = import_id or await begin(db, origin, State.APPLYING)
        summary = await _merge_or_explain(db, roster, done, import_id, origin)
        _check_confirmed(summary, confirm_ended)
        if expected is not None and expected.changes != summary.changes:
            raise Outdated
        await db.commit()
    return summary


class _Done:
    """Counts what is done: each record once when it is staged and once when it is compared."""

    def __init__(self, roster: Roster, progress: Progress | None) -> None:
        self.records = {"user": len(roster.users), "class": len(roster.classes), "enrolment": len(roster.enrolments)}
        self._total = 2 * sum(self.records.values())
        self._done = 0
        self._progress = progress

    def tick(self, count: int) -> None:
        self._done += count
        if self._progress:
            self._progress(self._done, self._total)


async def _merge_or_explain(db: AsyncSession, roster: Roster, done: _Done, import_id: int, origin: Origin) -> Summary:
    try:
        return await _merge(db, roster, done, import_id, origin)
    except IntegrityError:
        problems = Problems()
        problems.add("users.csv", 0, "", "Another command changed the same users during the import: import again.")
        problems.check()
        raise


async def _merge(db: AsyncSession, roster: Roster, done: _Done, import_id: int, origin: Origin) -> Summary:
    before = await _count_active(db)
    remarks = await _identify(db, roster)
    renamed = await _name_school(db, roster, import_id)
    created = Created({})
    users = await _bring(db, USERS, import_id, created, done)
    await identify_users(db)
    classes = await _bring(db, CLASSES, import_id, created, done)
    await identify_classes(db)
    await resolve_enrolments(db, school_day(await read_hours(db), now_ms()))
    enrolments = await _bring(db, ENROLMENTS, import_id, created, done)
    await unstage(db)
    summary = Summary(roster.school.name, renamed, users, classes, enrolments, roster.skipped, remarks)
    summary.to_confirm = _to_confirm(summary, before)
    given = msgspec.json.encode(created) if summary.changed else None
    await record_applied(db, import_id, msgspec.json.encode(summary), given)
    if summary.changed:
        await _tell(db, summary, import_id, created, origin)
    return summary


async def _bring(db: AsyncSession, kind: Kind, import_id: int, created: Created, done: _Done) -> Counts:
    first = await last_id(db, kind)
    counts = await bring(db, kind, import_id)
    if counts.created:
        created.ranges[kind.name] = (first, await last_id(db, kind))
    done.tick(done.records[kind.name])
    return counts


async def _tell(db: AsyncSession, summary: Summary, import_id: int, created: Created, origin: Origin) -> None:
    """Note the import for the audit log, and whom it concerns for the workers."""
    asdict = msgspec.structs.asdict
    detail = {name: asdict(getattr(summary, name)) for name in ("users", "classes", "enrolments")}
    await note_all(db, [Record(new_key(), now_ms(), "roster:imported", origin.user_id, detail=detail)])
    # A class is kept in memory with the number of its students: enrolments change classes, too.
    classes_changed = bool(summary.classes or summary.enrolments)
    users = await concerned(db, import_id, created, classes_changed=classes_changed)
    await note_changes(db, users, now_ms(), school=summary.renamed or classes_changed)


async def _identify(db: AsyncSession, roster: Roster) -> Sequence[Remark]:
    """Find what is known of the roster already; raise RosterErrors where it cannot be that of this database."""
    await _check(db, roster)
    await identify_users(db)
    await identify_classes(db)
    return (*roster.remarks, *await adopt(db, roster))


async def lock(db: AsyncSession) -> None:
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


KINDS = (USERS, CLASSES, ENROLMENTS)

_Active = tuple[int, int, int]


async def _count_active(db: AsyncSession) -> _Active:
    """Return how many users, classes and enrolments the roster has brought and are active."""
    users, classes, enrolments = [
        await db.scalar(select(func.count()).where(kind.table.c[kind.flag], kind.table.c.sourced_id.is_not(None), more))
        for kind, more in zip(KINDS, (true(), true(), in_class_that_goes_on()), strict=True)
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


async def _is_renamed(db: AsyncSession, roster: Roster) -> bool:
    row = (await db.execute(select(School.sourced_id, School.name).order_by(School.id))).first()
    return row is None or tuple(row) != (roster.school.sourced_id, roster.school.name)


async def _name_school(db: AsyncSession, roster: Roster, import_id: int) -> bool:
    """Write the roster's school into the school's one row; return whether that changed it."""
    wanted = {"sourced_id": roster.school.sourced_id, "name": roster.school.name}
    row = (await db.execute(select(School.id, School.sourced_id, School.name).order_by(School.id))).first()
    if row is None:
        made = await db.execute(insert(School).values(wanted).returning(School.id))
        before = {"row_id": made.scalar_one(), "what": "created"}
    elif row[1:] != tuple(wanted.values()):
        await db.execute(update(School).where(School.id == row.id).values(wanted))
        before = {"row_id": row.id, "what": "updated", "sourced_id": row.sourced_id, "name": row.name}
    else:
        return False
    await db.execute(insert(ImportBefore).values(import_id=import_id, kind="school", **before))
    return True
