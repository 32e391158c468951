"""Makes the users, classes and enrolments of the database match a roster. A reader sees all of an import or nothing.

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
from datetime import date

import msgspec
from sqlalchemy import func, insert, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.clock import now_ms
from server.databases import DbSessions, reading
from server.databases.accounts import School
from server.databases.audit import Record
from server.databases.changes import note_changes
from server.databases.enrolments import enrolments_to_turn, in_class_that_goes_on, turn_enrolments
from server.databases.imports import ImportBefore
from server.databases.outbox import new_key, note_all
from server.databases.school import read_hours, school_day
from server.rosters.adoption import adopt
from server.rosters.bound import are_few
from server.rosters.bring import KINDS, create, find_changes, keep, numbers_of_changes, numbers_of_new, switch, waits
from server.rosters.compare import CLASSES, ENROLMENTS, USERS, Counts, Kind, count
from server.rosters.concerned import concerned
from server.rosters.created import Created, last_id
from server.rosters.differences import Lists, read_lists
from server.rosters.export import Progress
from server.rosters.imports import BY_COMMAND, Origin, State, begin, hide, move, record_applied, show
from server.rosters.problems import Problems, Remark, shown
from server.rosters.relatives import keep_relatives
from server.rosters.roster import Roster
from server.rosters.staging import (
    identify_classes,
    identify_new_enrolments,
    identify_users,
    resolve_enrolments,
    stage,
    unstage,
)
from server.rosters.steps import Steps, taking_steps
from server.rosters.tidy import forget_others, remove_what_died


class Summary(msgspec.Struct):
    """What an import did, or would do.

    `skipped` counts what was left out of the export, by what it is; `remarks` are on what was ignored or read as it was
    meant, and on accounts taken over. `to_confirm` is the number of rows that end, where that needs confirmation.
    `relatives` counts the guardians and relatives that are kept.
    """

    school: str
    renamed: bool
    users: Counts
    classes: Counts
    enrolments: Counts
    skipped: Mapping[str, int]
    remarks: Sequence[Remark] = ()
    to_confirm: int = 0
    relatives: int = 0

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
        summary.relatives = len(roster.relatives)
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
    """Make the database match the roster, so that readers see all of it or nothing, and notify the running workers.

    An import that ends many rows is refused unless their number, `Summary.to_confirm`, is given as `confirm_ended`.
    `import_id` is that of an import that was checked before. Raise RosterErrors, with nothing changed, when the roster
    cannot be imported, and Outdated where it would not do what was `expected`. `progress` gets the records done, and
    their number.
    """
    if dry_run:
        return (await preview(sessions, roster, progress))[0]
    async with taking_steps(sessions) as steps:
        work = _Import(steps, roster, _Done(roster, progress), origin)
        try:
            await work.compare(confirm_ended, expected)
            await work.write(import_id)
        except IntegrityError:
            await work.give_up()
            problems = Problems()
            problems.add("users.csv", 0, "", "Another command changed the same users during the import: import again.")
            problems.check()
            raise
        except Exception:
            await work.give_up()
            raise
    return work.summary


class _Done:
    """Counts what is done: each record once when it is staged, once when it is compared, and once when it is written.

    Of those that are written, the number is not known before; together they count as all records.
    """

    def __init__(self, roster: Roster, progress: Progress | None) -> None:
        self.records = {"user": len(roster.users), "class": len(roster.classes), "enrolment": len(roster.enrolments)}
        self._all = sum(self.records.values())
        self._done = 0
        self._progress = progress

    def tick(self, count: int) -> None:
        self._done += count
        if self._progress:
            self._progress(self._done, 3 * self._all)

    def written(self, count: int, of: int) -> None:
        """Note that `count` rows of the `of` rows to write are written."""
        self._done = 2 * self._all + (self._all * count // of if of else 0)
        self.tick(0)


class _Import:
    """One import on its way: compared first, then written."""

    def __init__(self, steps: Steps, roster: Roster, done: _Done, origin: Origin) -> None:
        self._steps = steps
        self._roster = roster
        self._done = done
        self._origin = origin
        self._today = date.min
        self._renamed = False
        self._id = 0
        self._first: dict[str, int] = {}  # the highest ids before
        self._rows = [0, 0]  # of those to be created or kept: how many are, and how many they are

    async def compare(self, confirm_ended: int | None, expected: Summary | None) -> None:
        """Find out what changes; raise RosterErrors, or Outdated, where that is not to be done."""
        async with self._steps.reading() as db:
            await stage(db, self._roster, self._done.tick)
        await remove_what_died(self._steps)
        async with self._steps.reading() as db:
            remarks = await _identify(db, self._roster)
            self._today = school_day(await read_hours(db), now_ms())
            await resolve_enrolments(db, self._today)
            users, classes, enrolments = [await self._find(db, kind) for kind in KINDS]
            renamed = await _is_renamed(db, self._roster)
            skipped = self._roster.skipped
            self.summary = Summary(self._roster.school.name, renamed, users, classes, enrolments, skipped, remarks)
            self.summary.relatives = len(self._roster.relatives)
            self.summary.to_confirm = _to_confirm(self.summary, await _count_active(db))
        _check_confirmed(self.summary, confirm_ended)
        if expected is not None and expected.changes != self.summary.changes:
            raise Outdated

    async def _find(self, db: AsyncSession, kind: Kind) -> Counts:
        counts = await find_changes(db, kind)
        self._done.tick(self._done.records[kind.name])
        return counts

    async def write(self, import_id: int | None) -> None:
        """Write it: what nobody sees first, in steps, then all that shows, in one."""
        async with self._steps.writing() as db:
            # A command's import that dies is thrown away as an upload is.
            self._id = import_id or await begin(db, self._origin, State.UPLOADING)
            self._first = {kind.name: await last_id(db, kind) for kind in KINDS}
            if self._steps.are_many:
                await hide(db, self._id, **{kind.table.name: self._first[kind.name] for kind in KINDS})
            numbers = [len(await numbers_of_new(db, kind)) for kind in KINDS]
            self._rows[1] = sum(numbers) + len(await numbers_of_changes(db))
        await self._create(USERS, CLASSES)
        await self._identify_new()
        await self._create(ENROLMENTS)
        await self._keep()
        created = await self._created()
        async with self._steps.reading() as db:
            # A class is kept in memory with the number of its students: enrolments change classes, too.
            classes_changed = bool(self.summary.classes or self.summary.enrolments)
            users = await concerned(db, self._id, created, classes_changed=classes_changed)
            waiting = {kind.name for kind in KINDS if await waits(db, kind, created)}
        async with self._steps.writing() as db:
            await self._switch(db, created, waiting)
            await self._tell(db, users)
        await keep_relatives(self._steps)
        if self.summary.changed:
            await forget_others(self._steps, self._id)
        self._done.written(1, 1)

    async def _create(self, *kinds: Kind) -> None:
        for kind in kinds:

            async def create_some(db: AsyncSession, numbers: range, kind: Kind = kind) -> None:
                await create(db, kind, numbers, shown=kind is ENROLMENTS or not self._steps.are_many)
                self._tick(len(numbers))

            async with self._steps.reading() as db:
                numbers = await numbers_of_new(db, kind)
            await self._steps.in_batches(numbers, create_some)

    async def _identify_new(self) -> None:
        if not (self.summary.users.created or self.summary.classes.created):
            return
        async with self._steps.reading() as db:
            await identify_users(db)
            await identify_classes(db)
            await identify_new_enrolments(db, self._today)

    async def _keep(self) -> None:
        async def keep_some(db: AsyncSession, numbers: range) -> None:
            await keep(db, self._id, numbers)
            self._tick(len(numbers))

        async with self._steps.reading() as db:
            numbers = await numbers_of_changes(db)
        await self._steps.in_batches(numbers, keep_some)

    def _tick(self, count: int) -> None:
        self._rows[0] += count
        self._done.written(*self._rows)

    async def _created(self) -> Created:
        created = Created({})
        async with self._steps.reading() as db:
            for kind in KINDS:
                if len(await numbers_of_new(db, kind)):
                    created.ranges[kind.name] = (self._first[kind.name], await last_id(db, kind))
        return created

    async def _switch(self, db: AsyncSession, created: Created, waiting: set[str]) -> None:
        await _name_school(db, self._roster, self._id)
        today = school_day(await read_hours(db), now_ms())
        for kind in KINDS:
            await switch(db, kind, created, waits=kind.name in waiting)
        if today != self._today:
            turned = await enrolments_to_turn(db, today.isoformat())
            await turn_enrolments(db, [row.id for row in turned], today.isoformat())
        await show(db, self._id)
        given = msgspec.json.encode(created) if self.summary.changed else None
        await record_applied(db, self._id, msgspec.json.encode(self.summary), given)

    async def _tell(self, db: AsyncSession, users: set[int]) -> None:
        """Note the import for the audit log, and whom it concerns for the workers."""
        summary = self.summary
        if not summary.changed:
            return
        asdict = msgspec.structs.asdict
        detail = {name: asdict(getattr(summary, name)) for name in ("users", "classes", "enrolments")}
        await note_all(db, [Record(new_key(), now_ms(), "roster:imported", self._origin.user_id, detail=detail)])
        classes_changed = bool(summary.classes or summary.enrolments)
        await note_changes(db, users, now_ms(), school=summary.renamed or classes_changed)

    async def give_up(self) -> None:
        """Remove what was written and does not show; in one transaction, nothing was."""
        if self._steps.are_many and self._id:
            await remove_what_died(self._steps)
            async with self._steps.writing() as db:
                await move(db, self._id, State.DISCARDED)


async def _identify(db: AsyncSession, roster: Roster) -> Sequence[Remark]:
    """Find what is known of the roster already; raise RosterErrors where it cannot be that of this database."""
    await _check(db, roster)
    await identify_users(db)
    await identify_classes(db)
    return (*roster.remarks, *await adopt(db, roster))


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
